import { join } from 'node:path';
import { BUILT_ENVIRONMENT, builtProgram } from '../../src/lab/built.ts';
import { published } from './publish.ts';

const folder = await published();

/**
 * The words for `env` that run the command as it is published; in a virtual machine those that start it there in a
 * fraction of the time.
 */
export const PORTCULLIS: readonly string[] =
  process.env['PORTCULLIS_IN_VM'] === 'true'
    ? [`NODE_COMPILE_CACHE=${BUILT_ENVIRONMENT.NODE_COMPILE_CACHE}`, ...builtProgram('cli/main', join(folder, 'dist'))]
    : [process.execPath, join(folder, 'bin/portcullis.js')];
