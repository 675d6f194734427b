import { trimEnd } from '#kit/trim-end.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** Browsers lead every name below `localhost` to the machine they run on, without asking anybody. */
const LOCAL_HOST = 'run.localhost';
const LABEL = /^[a-z2-7]{26}$/;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** 130 random bits as one part of a host name, which has one case only. */
export const newLabel = (): string => Array.from(randomBytes(26), (byte) => ALPHABET[byte & 31]).join('');

export interface ContentAddresses {
  /** Whether a name is below (or is) one of ours, in any form that leads there: case, port and a dot at the end do not matter. */
  owns(host: string): boolean;
  /** The label that a host name in its one proper form begins with. */
  labelOf(host: string): string | null;
  /**
   * Where a person sees the platform who asked it by this host, and where they can see what is under a label.
   * @throws SodateError `content-host-needed` where no name below that host, or beside it, leads here
   */
  originsFor(host: string, label: string): { readonly platform: string; readonly content: string };
  /** The origins under which content can be, as sources of a content policy. */
  readonly framed: readonly string[];
}

export function makeContentAddresses({ publicUrl, contentHost }: { readonly publicUrl: string | null; readonly contentHost: string | null }): ContentAddresses {
  const hosts = contentHost === null || contentHost === LOCAL_HOST ? [LOCAL_HOST] : [LOCAL_HOST, contentHost];
  const publicAddress = publicUrl === null ? null : new URL(publicUrl);

  return {
    owns(host) {
      const name = plainName(host);
      return hosts.some((ours) => name === ours || name.endsWith(`.${ours}`));
    },
    labelOf(host) {
      const name = host.toLowerCase().replace(/:\d{1,5}$/, '');
      const label = name.slice(0, name.indexOf('.'));
      return LABEL.test(label) && hosts.includes(name.slice(label.length + 1)) ? label : null;
    },
    originsFor(host, label) {
      const asked = host.toLowerCase();
      const isPublic = asked === publicAddress?.host;
      const platform = new URL(isPublic ? publicAddress.origin : `http://${asked}`);
      const isLocal = isLoopback(platform.hostname) && !(isPublic && contentHost !== null);
      if (!isLocal && contentHost === null) throw new SodateError('content-host-needed', { host: asked });
      const { protocol, port } = isLocal ? platform : (publicAddress ?? platform);
      const content = new URL(`${protocol}//${label}.${isLocal ? LOCAL_HOST : contentHost}${port === '' ? '' : `:${port}`}`);
      return { platform: platform.origin, content: content.origin };
    },
    // Without a scheme they are of the page's own, or of the encrypted one.
    framed: hosts.map((host) => `*.${host}:*`),
  };
}

/** A name without what a request may write around it: somebody's name, a port, dots at the end. */
const plainName = (host: string): string =>
  trimEnd(
    host
      .slice(host.lastIndexOf('@') + 1)
      .trim()
      .toLowerCase()
      .replace(/:\d*$/, ''),
    '.',
  );

const isLoopback = (name: string): boolean => name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'));
