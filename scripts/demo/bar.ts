const WIDTH = 30;

/** One progress bar: redrawn in place on a terminal, a line for each tenth elsewhere. */
export function progressBar(title: string, total: number): (done: number) => void {
  let shownTenth = -1;
  return (done) => {
    const filled = Math.round((done / total) * WIDTH);
    const line = `  ${title.padEnd(12)} [${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}] ${done}/${total}`;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r${line}${done === total ? '\n' : ''}`);
      return;
    }
    const tenth = Math.floor((done / total) * 10);
    if (tenth === shownTenth) return;
    shownTenth = tenth;
    process.stdout.write(`${line}\n`);
  };
}
