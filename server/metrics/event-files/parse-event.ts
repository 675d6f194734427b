import { parseHparams } from '#metrics/event-files/parse-hparams.ts';
import { emptyTensor, numbersOf, parseTensor, type Tensor } from '#metrics/event-files/parse-tensor.ts';
import { type Histogram, parseHistogram, histogramOfTensor } from '#metrics/event-files/parse-histogram.ts';
import { sniffImage } from '#metrics/event-files/sniff-image.ts';
import type { Parameter } from '#metrics/parameter-store.ts';
import { PbfReader } from 'pbf';

/** What one event says of one tag. Places are relative to the event's first byte. */
export type EventValue =
  | { readonly kind: 'scalar'; readonly tag: string; readonly value: number }
  | { readonly kind: 'histogram'; readonly tag: string; readonly histogram: Histogram }
  | { readonly kind: 'image'; readonly tag: string; readonly start: number; readonly length: number; readonly type: string }
  | { readonly kind: 'text'; readonly tag: string; readonly start: number; readonly length: number };

export interface ParsedEvent {
  /** Milliseconds since 1970; null when it is no instant. */
  readonly at: number | null;
  readonly step: number;
  readonly values: readonly EventValue[];
  readonly parameters: readonly Parameter[];
}

interface RawValue {
  tag: string;
  simple: number | null;
  histogram: Histogram | null;
  image: { readonly start: number; readonly bytes: Uint8Array } | null;
  tensor: Tensor | null;
  plugin: string;
  pluginContent: Uint8Array | null;
}

/**
 * Reads an `Event` of TensorBoard: field numbers by hand, since three messages are all that is needed of its schema.
 * Values of plug-ins that are not shown here are left out.
 * @throws Error when the bytes are no such message
 */
export function parseEvent(bytes: Uint8Array): ParsedEvent {
  const reader = new PbfReader(bytes);
  const event = { wallTime: Number.NaN, step: 0, raw: [] as RawValue[] };
  reader.readFields((tag, _, pbf) => {
    if (tag === 1) event.wallTime = pbf.readDouble();
    else if (tag === 2) event.step = pbf.readVarint(true);
    else if (tag === 5) pbf.readMessage((field) => void (field === 1 && event.raw.push(readValue(pbf))), null);
  }, null);
  const at = Math.round(event.wallTime * 1000);
  const parameters = event.raw.flatMap(({ plugin, pluginContent }) => (plugin === 'hparams' && pluginContent ? parseHparams(pluginContent) : []));
  return { at: Number.isFinite(at) && at >= 0 ? at : null, step: event.step, values: event.raw.flatMap(understand), parameters };
}

function readValue(pbf: PbfReader): RawValue {
  const value: RawValue = { tag: '', simple: null, histogram: null, image: null, tensor: null, plugin: '', pluginContent: null };
  return pbf.readMessage((field) => {
    if (field === 1) value.tag = pbf.readString();
    else if (field === 2) value.simple = pbf.readFloat();
    else if (field === 4) value.image = readImage(pbf);
    else if (field === 5) value.histogram = parseHistogram(pbf);
    else if (field === 8) value.tensor = pbf.readMessage(parseTensor, emptyTensor());
    else if (field === 9) pbf.readMessage((inner) => void (inner === 1 && readPlugin(pbf, value)), null);
  }, value);
}

function readPlugin(pbf: PbfReader, value: RawValue): void {
  pbf.readMessage((field) => {
    if (field === 1) value.plugin = pbf.readString();
    else if (field === 2) value.pluginContent = pbf.readBytes();
  }, null);
}

function readImage(pbf: PbfReader): RawValue['image'] {
  const held: { image: RawValue['image'] } = { image: null };
  pbf.readMessage((field) => {
    if (field !== 4) return;
    const bytes = pbf.readBytes();
    held.image = { start: pbf.pos - bytes.length, bytes };
  }, null);
  return held.image;
}

/** By the form of the value where it says enough: writers name the plug-in only with the first value of a tag. */
function understand(raw: RawValue): readonly EventValue[] {
  const { tag, tensor, plugin } = raw;
  if (tag === '' || plugin === 'hparams') return [];
  if (raw.simple !== null) return [{ kind: 'scalar', tag, value: raw.simple }];
  if (raw.histogram !== null) return [{ kind: 'histogram', tag, histogram: raw.histogram }];
  if (raw.image !== null) return showImage(tag, raw.image);
  if (tensor === null || !['', 'scalars', 'histograms', 'images', 'text'].includes(plugin)) return [];
  if (tensor.strings.length > 0) {
    // Width and height come first, then the pictures of a batch: the first one is shown.
    const [, , picture] = tensor.strings;
    if (picture !== undefined && plugin !== 'text' && sniffImage(picture.bytes) !== null) return showImage(tag, picture);
    const [text] = tensor.strings;
    return text === undefined || plugin === 'images' ? [] : [{ kind: 'text', tag, start: text.start, length: text.bytes.length }];
  }
  if (tensor.elements === 1 && plugin !== 'histograms') {
    const [value] = numbersOf(tensor);
    return value === undefined ? [] : [{ kind: 'scalar', tag, value }];
  }
  const histogram = plugin === 'scalars' ? null : histogramOfTensor(tensor);
  return histogram === null ? [] : [{ kind: 'histogram', tag, histogram }];
}

function showImage(tag: string, { start, bytes }: { readonly start: number; readonly bytes: Uint8Array }): readonly EventValue[] {
  const type = sniffImage(bytes);
  return type === null ? [] : [{ kind: 'image', tag, start, length: bytes.length, type }];
}
