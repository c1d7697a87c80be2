import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neighbourPicture } from './neighbour-picture.ts';

const csv = [
  'run,name,second,count,p50Ms,p99Ms,maxMs',
  ...['1,hang without,0,9,1,10,20', '1,hang without,1,9,1,10,20', '4,hang without,0,9,1,10,20'],
  ...['2,hang with,0,9,1,100,200', '3,hang with,0,9,1,1000,2000', '2,hang with,1,9,1,1000,2000'],
  '',
].join('\n');

test('each line goes through the mean of its runs in each second, and higher where it is slower', () => {
  const lines = [...neighbourPicture(csv).matchAll(/points="([^"]*)"/g)].map(([, points = '']) =>
    points
      .split(' ')
      .filter(Boolean)
      .map((point) => point.split(',').map(Number)),
  );
  const [without, beside, ...dead] = lines;
  assert.deepEqual(dead, [[], []]);
  assert.deepEqual(
    without?.map(([x]) => x),
    [64, 740],
  );
  const [first, last] = beside ?? [];
  assert.equal(last?.[1], 50);
  assert.ok((first?.[1] ?? 0) > 50 && (first?.[1] ?? Infinity) < (without?.[0]?.[1] ?? 0));
});

test('the same data give the same picture', () => {
  assert.equal(neighbourPicture(csv), neighbourPicture(csv));
});
