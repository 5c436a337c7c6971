// The XML of an answer that is small.
import type { HttpAnswer } from '../../http/answer.js';
import { readBody } from '../../read-object.js';

const LIMIT = 1 << 20;

/** Reads an answer to its end. Errors as `readBody`. */
export async function answerText(answer: HttpAnswer): Promise<string> {
  const { size, location } = answer;
  const bytes = await readBody({ body: answer.guard(answer.body()), size, location }, { limit: LIMIT });
  return Buffer.from(bytes).toString('utf8');
}
