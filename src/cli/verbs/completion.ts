import type { Context } from '../output/context.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_portcullis() {
  local IFS=$'\\n'
  COMPREPLY=($(portcullis __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _portcullis portcullis
`,
  zsh: `#compdef portcullis
_portcullis() {
  local -a found
  local line
  while IFS=$'\\t' read -r name brief; do found+=("\${name//:/\\\\:}:$brief"); done < <(portcullis __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'portcullis' found || _files
}
compdef _portcullis portcullis
`,
  fish: `complete -c portcullis -a '(portcullis __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

/** `portcullis completion SHELL`: the shell's script. */
export function completion(this: Context, _flags: Record<never, never>, shell: Shell): void {
  this.process.stdout.write(SCRIPTS[shell]);
}
