import { describe, expect, it } from 'vitest';
import { createStreamPlaces } from './stream-places.ts';

describe('places for streams', () => {
  it('are bounded for an account, whose others do not wait for it', () => {
    const take = createStreamPlaces({ all: 10, ofOne: 2 });
    const giveBack = take(1);
    take(1);
    expect(() => take(1)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    take(2);
    giveBack();
    take(1);
    expect(() => take(1)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
  });

  it('are bounded for all together', () => {
    const take = createStreamPlaces({ all: 3, ofOne: 2 });
    const [giveBack] = [take(1), take(2), take(3)];
    expect(() => take(4)).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
    giveBack?.();
    expect(() => take(4)).not.toThrow();
  });
});
