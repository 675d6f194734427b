import { pathAt } from '#registries/image-reference.ts';
import { failed, type RegistryAnswer } from '#registries/exchange-with-registry.ts';
import { parseJson, type RegistryConversation, unexpectedAnswer } from '#registries/registry-conversation.ts';
import type { AskedRegistry } from '#registries/registry-places.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { ImagePath } from '@sodate/contract/registries.ts';
import { z } from 'zod';

/** A name as the registry lists it, and the image's name with which one comes to it. */
interface Listed {
  readonly name: string;
  readonly reference: string;
}

/** Names asked for at once when only some of them will match; Docker's registry refuses more. */
const SEARCH_PAGE = 1000;
/** Pages read for one request: beyond them the answer is short, and goes on with its cursor. */
const PAGES_LIMIT = 10;
const TAGS_LIMIT = 5_000;
const QUERY_LIMIT = 2_048;

const Catalog = z.object({ repositories: z.array(z.string()).nullable() });
const Tags = z.object({ tags: z.array(z.string()).nullish() });
/** Tags in the form that names of images take; a registry could list anything. */
const TagName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/);

/**
 * A page of the images that a registry lists, in its own order, those whose name contains `text`.
 * @throws SodateError `registry-without-catalog`, `invalid-cursor`, and what a conversation throws
 */
export async function browseImages(
  registry: AskedRegistry,
  conversation: RegistryConversation,
  ask: { readonly text?: string | undefined; readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ items: Listed[]; nextCursor: string | null }> {
  const wanted = ask.text?.toLowerCase();
  const items: Listed[] = [];
  let place: Place | null = ask.cursor === undefined ? { query: `n=${wanted === undefined ? ask.limit : SEARCH_PAGE}`, skip: 0 } : decodePlace(ask.cursor);
  for (let pages = 0; place !== null && pages < PAGES_LIMIT; pages += 1) {
    const answer = await conversation.get(`/v2/_catalog?${place.query}`, 'registry:catalog:*');
    if ([400, 401, 403, 404, 405, 501].includes(answer.status)) throw new SodateError('registry-without-catalog', { registry: registry.name });
    const { repositories } = read(registry, answer, Catalog);
    const names = repositories ?? [];
    for (let at = place.skip; at < names.length; at += 1) {
      if (items.length === ask.limit) return { items, nextCursor: encodePlace({ query: place.query, skip: at }) };
      const name = ImagePath.safeParse(names[at]);
      if (name.success && (wanted === undefined || name.data.includes(wanted))) items.push({ name: name.data, reference: `${registry.address}/${name.data}` });
    }
    place = nextPlace(answer, place);
    if (items.length === ask.limit) break;
  }
  return { items, nextCursor: place === null ? null : encodePlace(place) };
}

/** @throws SodateError `image-not-found`, and what a conversation throws */
export async function browseTags(registry: AskedRegistry, conversation: RegistryConversation, image: string): Promise<{ items: Listed[]; truncated: boolean }> {
  const path = pathAt(registry.address, image);
  const items: Listed[] = [];
  let place: Place | null = { query: '', skip: 0 };
  for (let pages = 0; place !== null && pages < PAGES_LIMIT; pages += 1) {
    const answer = await conversation.get(`/v2/${path}/tags/list${place.query === '' ? '' : `?${place.query}`}`, `repository:${path}:pull`);
    // Whether it is not there or not for this tenant is for the registry to know: many answer 401 to both.
    if ([400, 401, 403, 404].includes(answer.status)) throw new SodateError('image-not-found', { image, registry: registry.name });
    for (const tag of read(registry, answer, Tags).tags ?? []) {
      if (items.length === TAGS_LIMIT) return { items, truncated: true };
      if (TagName.safeParse(tag).success) items.push({ name: tag, reference: `${registry.address}/${path}:${tag}` });
    }
    place = nextPlace(answer, place);
  }
  return { items, truncated: place !== null };
}

function read<T extends z.ZodType>(registry: AskedRegistry, answer: RegistryAnswer, form: T): z.output<T> {
  if (answer.status !== 200) throw unexpectedAnswer(registry.name, answer);
  const parsed = form.safeParse(parseJson(answer.body));
  if (!parsed.success) throw failed(registry.name, `what answers at ${answer.url.host} is not a registry of container images. Check the address`);
  return parsed.data;
}

/** Where a list stands: the query of one of the registry's pages, and how many of that page's names are done with. */
interface Place {
  readonly query: string;
  readonly skip: number;
}

/** Of the address that the registry names for its next page only the query is used: where to ask is not its to say. */
function nextPlace(answer: RegistryAnswer, here: Place): Place | null {
  const link = [answer.headers['link'] ?? ''].flat().join(', ');
  const target = /<([^<>]*)>\s*;\s*rel="?next"?/i.exec(link)?.[1];
  if (target === undefined || !URL.canParse(target, answer.url.href)) return null;
  const query = new URL(target, answer.url).searchParams.toString();
  return query === '' || query === here.query || query.length > QUERY_LIMIT ? null : { query, skip: 0 };
}

const EncodedPlace = z.tuple([z.string().max(QUERY_LIMIT), z.number().int().min(0).max(10_000_000)]);

const encodePlace = ({ query, skip }: Place): string => Buffer.from(JSON.stringify([query, skip])).toString('base64url');

function decodePlace(cursor: string): Place {
  try {
    const [query, skip] = EncodedPlace.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { query: new URLSearchParams(query).toString(), skip };
  } catch (error) {
    throw new SodateError('invalid-cursor', {}, { cause: error });
  }
}
