/** Tells a person what is going on. `action` may refine the line that is shown meanwhile. */
export interface Progress {
  step<Result>(title: string, action: (note: (text: string) => void) => Promise<Result>): Promise<Result>;
}

export type ProgressEvent =
  | { readonly type: 'begin'; readonly id: number; readonly title: string }
  | { readonly type: 'note'; readonly id: number; readonly text: string }
  | { readonly type: 'end'; readonly id: number; readonly ok: boolean; readonly elapsedMs: number };

/** A Progress that turns each step into events, for a terminal here or in the process that launched this one. */
export function eventProgress(emit: (event: ProgressEvent) => void): Progress {
  let lastId = 0;
  return {
    async step(title, action) {
      lastId += 1;
      const id = lastId;
      const startedAt = Date.now();
      emit({ type: 'begin', id, title });
      try {
        const result = await action((text) => emit({ type: 'note', id, text }));
        emit({ type: 'end', id, ok: true, elapsedMs: Date.now() - startedAt });
        return result;
      } catch (error) {
        emit({ type: 'end', id, ok: false, elapsedMs: Date.now() - startedAt });
        throw error;
      }
    },
  };
}

export interface ProgressView {
  readonly show: (event: ProgressEvent) => void;
  /** Removes what is not final from the screen; call it before printing anything else. */
  readonly close: () => void;
}

const QUIET_INTERVAL_MS = 10_000;

function seconds(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;
}

function label(step: { readonly title: string; readonly note: string; readonly startedAt: number }): string {
  return `${step.title}${step.note === '' ? '' : ` (${step.note})`} ${Math.round((Date.now() - step.startedAt) / 1000)} s`;
}

/** Ticks finished steps off; running ones tick in one line on a terminal, or get a line each 10 s elsewhere. */
export function terminalView(out: NodeJS.WriteStream): ProgressView {
  const running = new Map<number, { title: string; note: string; startedAt: number; toldAt: number }>();
  const clear = (): void => {
    if (out.isTTY) out.write('\r\x1b[K');
  };
  const draw = (): void => {
    const steps = [...running.values()];
    if (out.isTTY) {
      clear();
      if (steps.length > 0) out.write(`  … ${steps.map(label).join(' · ')}`.slice(0, Math.max(20, (out.columns ?? 80) - 1)));
      return;
    }
    for (const step of steps) {
      if (Date.now() - step.toldAt < QUIET_INTERVAL_MS) continue;
      step.toldAt = Date.now();
      out.write(`  … ${label(step)}\n`);
    }
  };
  const ticker = setInterval(draw, 1_000);
  ticker.unref();
  return {
    show(event) {
      const step = running.get(event.id);
      if (event.type === 'begin') {
        running.set(event.id, { title: event.title, note: '', startedAt: Date.now(), toldAt: Date.now() });
      } else if (event.type === 'note' && step !== undefined) {
        step.note = event.text;
        step.toldAt = 0;
      } else if (event.type === 'end') {
        running.delete(event.id);
        clear();
        out.write(`  ${event.ok ? '✔' : '✖'} ${step?.title ?? 'step'} (${seconds(event.elapsedMs)})\n`);
      }
      draw();
    },
    close() {
      clearInterval(ticker);
      clear();
    },
  };
}
