/** A step of the demo did not keep what the product promises. */
export class NotAsPromised extends Error {}

const WIDTH = 112;

/** Prints a step in plain words: a number, then the sentence, wrapped for a terminal. */
export const say = (step: number, sentence: string): void => {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  const [first = '', ...rest] = lines;
  console.log(`${`${step}`.padStart(2)}  ${[first, ...rest.map((it) => `    ${it}`)].join('\n')}`);
};

/** Shows what a command printed, below its step. */
export const quote = (command: string, output: string): void => {
  console.log(`      $ ${command}`);
  for (const line of output.trimEnd().split('\n')) console.log(`      ${line}`);
};

/** Fails where a condition does not hold. */
export const must = (condition: boolean, sentence: string): void => {
  if (!condition) throw new NotAsPromised(sentence);
};
