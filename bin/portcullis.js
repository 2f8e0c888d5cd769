#!/usr/bin/env node
// Written for any Node, so that an old one can be told what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { findOwnNode, isNewEnough, OLDEST } from './own-node.js';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const built = `${checkout}dist/cli/main.js`;
const source = `${checkout}src/cli/main.ts`;
const entry = existsSync(source) ? source : built;

if (isNewEnough()) {
  // Compiled once and kept beside the code, whose owner alone can write there: --help in half the time. Where nobody
  // can, nothing is kept.
  module.enableCompileCache?.(`${checkout}node_modules/.cache/portcullis`);
  await import(entry);
} else {
  const node = findOwnNode(checkout);
  if (node === null) {
    const way =
      entry === source
        ? `In a checkout: npm ci  (brings Node ${OLDEST} along)`
        : `It comes along as an optional dependency: install again without --omit=optional, or install Node ${OLDEST}`;
    process.stderr.write(`portcullis needs Node ${OLDEST} or newer, and this is ${process.version}\n  ${way}\n`);
    process.exitCode = 2;
  } else {
    const { status, signal } = spawnSync(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
    if (signal !== null) process.kill(process.pid, signal);
    process.exitCode = status ?? 1;
  }
}
