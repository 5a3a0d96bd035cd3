// Asks the server about the newest drawing. Requests overlap, so that distance costs delay and not answers a
// second; an answer that is older than the one shown is dropped. Between two answers the server keeps nothing.

const IN_FLIGHT = 4; // requests at once; a single one while the server fails
const EVERY = 28; // milliseconds between two requests, at least
const OVERLAP = 4.3; // requests in a round trip. Each also waits for a move of the pen: fewer than four are in flight
const SLOW = 2000; // milliseconds until the visitor is told that the server is slow
const PATIENCE = 15000; // milliseconds after which a request counts as failed
const LONGEST_PAUSE = 15000; // milliseconds between two attempts while the server fails
const BUSY = 250; // milliseconds until a busy server is asked again

// ask(request) resolves to an answer, to {busy} or {refused: why}, or to undefined where there was none. next() makes the
// request for the newest drawing. show(answer) and say(notice) change the page.
export function transport({ ask, next, show, say }) {
  let stale = false; // whether the newest drawing has not been asked about
  let inFlight = 0;
  let sent = 0; // the number of the newest request
  let shown = 0; // that of the answer on the page
  let roundTrip = 0; // milliseconds, of the newest answer
  let failures = 0; // since the last answer
  let pause; // a timer: nothing is sent before it fires
  let slow; // a timer: the server is slow when it fires

  function wait(milliseconds) {
    clearTimeout(pause);
    pause = setTimeout(() => {
      pause = undefined;
      send();
    }, milliseconds);
  }

  function stopWaiting() {
    clearTimeout(pause);
    pause = undefined;
  }

  function watch() {
    slow = setTimeout(() => say("The server takes its time. You can go on drawing."), SLOW);
  }

  function send() {
    if (!stale || pause || inFlight >= (failures ? 1 : IN_FLIGHT)) return;
    stale = false;
    inFlight++;
    if (slow === undefined) watch();
    settle(++sent, next());
    if (!failures) wait(Math.max(EVERY, roundTrip / OVERLAP));
  }

  async function settle(number, request) {
    const start = performance.now();
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    const answer = await Promise.race([ask(request), late]).catch(() => undefined);
    inFlight--;
    if (answer?.busy) {
      if (number === sent) stale = true;
      wait(BUSY);
    } else if (answer?.refused) {
      clearTimeout(slow);
      slow = undefined;
      say(`The server refuses this drawing: ${answer.refused}`); // and would again
    } else if (answer) {
      roundTrip = performance.now() - start;
      received(number, answer);
    } else if (number > shown) failed(number);
    send();
  }

  function received(number, answer) {
    if (failures) stopWaiting();
    failures = 0;
    if (number < shown) return;
    shown = number;
    show(answer);
    clearTimeout(slow);
    slow = undefined;
    if (shown < sent) watch();
    say("");
  }

  function failed(number) {
    if (number === sent) stale = true;
    say("The server could not answer. Your drawing is kept, and asked about again.");
    if (failures && pause) return; // of several that fail together, one counts
    wait(Math.min(500 * 2 ** failures++, LONGEST_PAUSE));
  }

  return {
    changed() {
      stale = true;
      send();
    },
    // The connection may be back: the next attempt does not wait any longer.
    retry() {
      if (failures && inFlight === 0) {
        stopWaiting();
        send();
      }
    },
    finished() {
      if (!failures) stopWaiting(); // the end of a stroke does not wait for its turn
      send();
    },
  };
}
