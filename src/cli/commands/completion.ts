import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import type { Shell } from '../verbs/completion.ts';

export const completionCommand = buildCommand<Record<never, never>, [Shell], Context>({
  loader: async () => (await import('../verbs/completion.ts')).completion,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'bash, zsh or fish',
          placeholder: 'SHELL',
          parse: (text: string): Shell => {
            if (text === 'bash' || text === 'zsh' || text === 'fish') return text;
            throw new SyntaxError(`${JSON.stringify(text)} is not bash, zsh or fish`);
          },
        },
      ],
    },
  },
  docs: {
    brief: 'A script that completes the words of this command in a shell',
    customUsage: examples(
      ['bash > /etc/bash_completion.d/portcullis', ''],
      ['zsh > "${fpath[1]}/_portcullis"', ''],
      ['fish > ~/.config/fish/completions/portcullis.fish', ''],
    ),
  },
});
