import type { PbfReader } from 'pbf';

/** As much of TensorFlow's `TensorProto` as summaries use. */
export interface Tensor {
  type: number;
  dimensions: number[];
  /** Numbers by their product; 1 for a scalar. */
  elements: number;
  content: Uint8Array | null;
  values: number[];
  strings: { readonly start: number; readonly bytes: Uint8Array }[];
}

/** TensorFlow's numbers of types, with how many bytes each takes and how to read one. */
const READERS: Readonly<Record<number, { readonly size: number; readonly read: (view: DataView, at: number) => number }>> = {
  1: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  2: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  3: { size: 4, read: (view, at) => view.getInt32(at, true) },
  9: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  14: { size: 2, read: (view, at) => halfWide(view.getUint16(at, true)) },
  19: { size: 2, read: (view, at) => half(view.getUint16(at, true)) },
};

/** A batch of pictures or words beyond this is not looked at. */
const STRINGS_LIMIT = 16;
/** A histogram of TensorBoard has 30 buckets, of PyTorch up to some thousand. */
const NUMBERS_LIMIT = 30_000;

export const emptyTensor = (): Tensor => ({ type: 0, dimensions: [], elements: 1, content: null, values: [], strings: [] });

/** Its numbers, if it has as many as its shape says and not too many. */
export function numbersOf({ type, elements, content, values }: Tensor): readonly number[] {
  if (elements > NUMBERS_LIMIT) return [];
  const reader = READERS[type];
  if (content === null) {
    if (values.length !== elements) return [];
    return type === 14 ? values.map(halfWide) : type === 19 ? values.map(half) : values;
  }
  if (reader === undefined || content.length !== elements * reader.size) return [];
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return Array.from({ length: elements }, (_, at) => reader.read(view, at * reader.size));
}

export function parseTensor(field: number, tensor: Tensor, pbf: PbfReader): void {
  if (field === 1) tensor.type = pbf.readVarint();
  else if (field === 2) {
    const readSize = (inner: number): void => void (inner === 1 && tensor.dimensions.push(pbf.readVarint(true)));
    pbf.readMessage((inner) => void (inner === 2 && pbf.readMessage(readSize, null)), null);
    tensor.elements = tensor.dimensions.reduce((product, size) => product * Math.max(0, size), 1);
  } else if (field === 4) tensor.content = pbf.readBytes();
  else if (field === 5) pbf.readPackedFloat(tensor.values);
  else if (field === 6) pbf.readPackedDouble(tensor.values);
  else if (field === 7 || field === 10 || field === 13) pbf.readPackedVarint(tensor.values, field !== 13);
  else if (field === 8) {
    const bytes = pbf.readBytes();
    if (tensor.strings.length < STRINGS_LIMIT) tensor.strings.push({ start: pbf.pos - bytes.length, bytes });
  }
}

/** bfloat16: the upper half of a float. */
function halfWide(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(2, bits, true);
  return view.getFloat32(0, true);
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
