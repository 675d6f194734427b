const READY = 'Sodate is ready at ';

/** What a server says to people when it serves. Its address comes last: whoever waits for that line has the link, too. */
export function readyText(url: string, firstSignIn: string | null): string {
  const link = firstSignIn === null ? '' : `Sign in for the first time, as admin, within 24 hours:\n  ${firstSignIn}\n`;
  return `${link}${READY}${url}\n`;
}

/** What people are told in a server's output, log lines left out; null while it has not said all of it. */
export function findReadyText(output: string): string | null {
  const lines = output.slice(0, output.lastIndexOf('\n') + 1).split('\n');
  if (!lines.some((line) => line.startsWith(READY))) return null;
  return lines.filter((line) => line !== '' && !line.startsWith('{')).join('\n');
}
