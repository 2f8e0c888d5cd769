import { machineSuite } from '../support/machine-suite.ts';

await machineSuite('test/machines/hammer.test.ts');
