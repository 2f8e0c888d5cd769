import { machineSuite } from '../support/machine-suite.ts';

await machineSuite('test/machines/linux-6.1.test.ts');
