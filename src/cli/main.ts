import { ExitCode, run } from '@stricli/core';
import { app } from './app.ts';
import { complete } from './complete.ts';
import { EXIT, type Context } from './output/context.ts';
import { typedCommand } from './typed-command.ts';

const readStdin = async (): Promise<string> => {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
};

const context: Context = {
  // Node's type says that exitCode may be undefined, which is the same as absent.
  process: process as Context['process'],
  terminal: { in: process.stdin.isTTY, out: process.stdout.isTTY, err: process.stderr.isTTY },
  cwd: process.cwd(),
  readStdin,
};

// `portcullis status | head` closes the pipe: that is no error of ours.
process.stdout.on('error', (problem: NodeJS.ErrnoException) => {
  if (problem.code === 'EPIPE') process.exit(EXIT.fine);
  throw problem;
});

const [first, ...words] = process.argv.slice(2);
if (first === '__complete') await complete(app, words, context);
else {
  await run(app, process.argv.slice(2), context);
  // stricli's own exit codes are negative: words that it cannot use, else a fault of this program.
  const status = Number(process.exitCode ?? 0);
  if (status === ExitCode.InvalidArgument)
    process.stderr.write(`  ${typedCommand(app.root)} --help shows how it is used\n`);
  const isUsage = status === ExitCode.UnknownCommand || status === ExitCode.InvalidArgument;
  if (status < 0) process.exitCode = isUsage ? EXIT.usage : EXIT.kernel;
}
