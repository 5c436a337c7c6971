import type { BenchRecord } from '../record.js';
import { markdownReport } from './markdown.js';
export function htmlReport(record: BenchRecord): string {
  return markdownReport(record);
}
