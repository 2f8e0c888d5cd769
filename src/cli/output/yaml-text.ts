import { stringify } from 'yaml';

/**
 * Data as YAML. A module of its own, loaded when it is asked for: `import('yaml')` itself has no named exports where
 * the command is bundled, because the library is CommonJS there.
 */
export const yamlText = (data: unknown): string => stringify(data);
