// JsInflater against hand-made streams and zlib.
import { JsInflater } from '../../../src/stream/inflate/js-inflater.js';
import { describeInflater } from '../../helpers/inflater-suite.js';

describeInflater('JsInflater', () => new JsInflater(), 1500);
