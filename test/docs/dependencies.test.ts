import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

type PackageJson = { dependencies: Record<string, string>; devDependencies: Record<string, string> };

it.each([
  ['dependencies', 'At run time'],
  ['devDependencies', 'To develop'],
] as const)(
  'docs/dependencies.md has a line for each of the %s and for nothing else',
  async (kind, section) => {
    const packageJson = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as PackageJson;
    const page = await readFile(new URL('docs/dependencies.md', root), 'utf8');
    const text = page.split(/^## /m).find((part) => part.startsWith(section)) ?? '';
    const rows = [...text.matchAll(/^\| (\S+) \|(.*)\|$/gm)].filter(([, name]) => name !== 'package');
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(packageJson[kind]));
    // Why, upkeep, size and licence.
    for (const [, , cells = ''] of rows)
      expect(cells.split('|').filter((it) => it.trim() !== '')).toHaveLength(4);
  },
);

it('docs/dependencies.md names the licence that each package has', async () => {
  const page = await readFile(new URL('docs/dependencies.md', root), 'utf8');
  const rows = [...page.matchAll(/^\| (\S+) \|.*\| (.+) \|$/gm)].filter(
    ([line, name]) => name !== 'package' && line.split('|').length === 7,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const [, name, licence = ''] of rows) {
    const { license } = JSON.parse(
      await readFile(new URL(`node_modules/${name}/package.json`, root), 'utf8'),
    ) as { license: string };
    const words = (text: string) =>
      text
        .replace(/[(),]|\b(?:AND|OR|or)\b/g, ' ')
        .split(/\s+/)
        .filter(Boolean);
    expect([name, ...words(licence)]).toEqual([name, ...words(license)]);
  }
});
