import { describe, expect, it } from 'vitest';
import { createEndpointSlots } from './endpoint-slots.ts';

describe('endpoint slots', () => {
  it('are ten for an endpoint that answers, each endpoint its own, and come back once', () => {
    const slots = createEndpointSlots();
    const held = Array.from({ length: 10 }, () => slots.take(1, false));
    expect(held.every((giveBack) => giveBack !== null)).toBe(true);
    expect(slots.take(1, false)).toBeNull();
    expect(slots.take(2, false)).not.toBeNull();
    held[0]?.();
    held[0]?.();
    expect(slots.take(1, false)).not.toBeNull();
    expect(slots.take(1, false)).toBeNull();
  });

  it('is one while it fails', () => {
    const slots = createEndpointSlots();
    const giveBack = slots.take(1, true);
    expect(slots.take(1, true)).toBeNull();
    giveBack?.();
    expect(slots.take(1, true)).not.toBeNull();
  });
});
