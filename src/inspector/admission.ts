import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Who may look: whoever has the token, from a page of our own. */

/** What a request asks for, whatever it may have sent in its first line; undefined where that is no path. */
export function targetOf(url: string): URL | undefined {
  const whole = `http://inspector${url}`;
  return url.startsWith('/') && URL.canParse(whole) ? new URL(whole) : undefined;
}

export type Asked = { url: string; host: string | undefined; origin: string | undefined };

/**
 * Why a request is not served, as an HTTP status and words for whoever sent it; undefined where it may. `names` are
 * host names that are ours. The host is checked as a page of somebody else's could have its own name lead here (DNS
 * rebinding), the origin as any page may open a WebSocket anywhere; a program that is no browser has no origin.
 */
export function refusalOf(
  { url, host, origin }: Asked,
  { token, names, origins = [] }: { token: string; names: readonly string[]; origins?: readonly string[] },
): { status: 400 | 401 | 403 | 421; words: string } | undefined {
  const target = targetOf(url);
  if (target === undefined) return { status: 400, words: 'There is only a path to be asked for.' };
  if (host === undefined || !isOurs(host, names)) {
    return { status: 421, words: 'This is not the host that the inspector was started for.' };
  }
  if (origin !== undefined && origin !== `http://${host}` && !origins.includes(origin)) {
    return { status: 403, words: 'The inspector answers its own page alone.' };
  }
  if (!isSame(target.searchParams.get('token') ?? '', token)) {
    return {
      status: 401,
      words: 'The token is missing or wrong: open the address that containerd has logged.',
    };
  }
  return undefined;
}

/** An address cannot be rebound, a name can. Browsers write names small, however they were given. */
function isOurs(host: string, names: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
  return ['localhost', ...names].some((it) => it.toLowerCase() === name);
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
