import { describe, expect, it } from 'vitest';
import { chosen, groupFiles, type Grouping, hasFolders } from './group-files.ts';

const files = (...paths: string[]) => paths.map((path) => chosen(Object.assign(new File([], path.split('/').at(-1) ?? path), { path })));
const said = (paths: readonly string[], grouping: Grouping) =>
  groupFiles(files(...paths), grouping).map(({ name, files: members }) => `${name}: ${members.map(({ path }) => path).join(' ')}`);

describe('files become data', () => {
  it('takes a single folder as the name of everything, and off the paths', () => {
    expect(said(['/digits/0/a.png', '/digits/1/b.png'], 'together')).toEqual(['digits: 0/a.png 1/b.png']);
    expect(said(['/digits/0/a.png', '/digits/1/b.png'], 'folder')).toEqual(['0: a.png', '1: b.png']);
    expect(said(['/digits/0/a.png', '/digits/1/b.png'], 'file')).toEqual(['0/a.png: a.png', '1/b.png: b.png']);
  });

  it('leaves loose files as they are', () => {
    expect(said(['./a.png', './b.png'], 'together')).toEqual(['a.png: a.png b.png']);
    expect(said(['a.png'], 'together')).toEqual(['a.png: a.png']);
    expect(said(['./a.png', './b.png'], 'file')).toEqual(['a.png: a.png', 'b.png: b.png']);
  });

  it('keeps several folders apart, with loose files beside them', () => {
    expect(said(['/cats/1.png', '/dogs/1.png', 'readme.txt'], 'folder')).toEqual(['cats: 1.png', 'dogs: 1.png', 'readme.txt: readme.txt']);
    expect(said(['/cats/1.png', '/dogs/1.png'], 'together')).toEqual(['cats: cats/1.png dogs/1.png']);
  });

  it('knows whether there are folders to group by', () => {
    expect(hasFolders(files('/digits/a.png', '/digits/b.png'))).toBe(false);
    expect(hasFolders(files('/digits/0/a.png'))).toBe(true);
    expect(groupFiles([], 'together')).toEqual([]);
  });
});
