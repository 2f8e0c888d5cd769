import type { Diagnostic } from '../../diagnostic/diagnostic.ts';
import { renderDiagnostic } from '../../diagnostic/render.ts';
import type { Context } from './context.ts';
import { paint, say } from './report.ts';

const MOST_DOUBTS = 3;

/** What dumps leave open is told shortly; `portcullis parse` tells all of it. */
export const showDoubts = (context: Context, color: boolean, warnings: readonly Diagnostic[]): void => {
  for (const warning of warnings.slice(0, MOST_DOUBTS)) {
    const [first = ''] = renderDiagnostic(warning).split('\n');
    say(context, paint(context, 'err', color, 'yellow', first));
  }
  const more = warnings.length - MOST_DOUBTS;
  if (more > 0) say(context, `and ${more} more warnings: portcullis parse shows them`);
};
