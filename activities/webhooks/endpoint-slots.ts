/** An endpoint that answers may be sent this many messages at once by one process; one that fails, a single one to try it. */
const SLOTS = 10;
const SLOTS_WHILE_FAILING = 1;

export interface EndpointSlots {
  /** @returns what gives the slot back, or null when the endpoint has none left */
  take(endpointId: number, failing: boolean): (() => void) | null;
}

/** Bounds what one receiver may take of a process, so that one that hangs keeps no other waiting. */
export function createEndpointSlots(): EndpointSlots {
  const taken = new Map<number, number>();
  return {
    take(endpointId, failing) {
      const held = taken.get(endpointId) ?? 0;
      if (held >= (failing ? SLOTS_WHILE_FAILING : SLOTS)) return null;
      taken.set(endpointId, held + 1);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        const left = (taken.get(endpointId) ?? 1) - 1;
        if (left === 0) taken.delete(endpointId);
        else taken.set(endpointId, left);
      };
    },
  };
}
