// Asks the server about the newest drawing. Requests overlap, so that distance costs delay and not answers a
// second; an answer that is older than the one shown is dropped. Between two answers the server keeps nothing.

const IN_FLIGHT = 4; // requests at once; a single one while the server fails
const EVERY = 33; // milliseconds between two requests, the last one of a stroke excepted
const SLOW = 2000; // milliseconds until the visitor is told that the server is slow
const PATIENCE = 15000; // milliseconds after which a request counts as failed
const LONGEST_PAUSE = 15000; // milliseconds between two attempts while the server fails

// ask(request) resolves to an answer, or to undefined where there was none. next() makes the request for the
// newest drawing. show(answer) and say(notice) change the page.
function transport({ ask, next, show, say }) {
  let stale = false; // whether the newest drawing has not been asked about
  let inFlight = 0;
  let sent = 0; // the number of the newest request
  let shown = 0; // that of the answer on the page
  let failures = 0; // since the last answer
  let pause; // a timer: nothing is sent before it fires
  let slow;

  const wait = (milliseconds) => {
    clearTimeout(pause);
    pause = setTimeout(() => ((pause = undefined), send()), milliseconds);
  };

  function send() {
    if (!stale || pause || inFlight >= (failures ? 1 : IN_FLIGHT)) return;
    stale = false;
    inFlight++;
    slow ??= setTimeout(() => say("The server takes its time. You can go on drawing."), SLOW);
    settle(++sent, next());
    if (!failures) wait(EVERY);
  }

  async function settle(number, request) {
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    const answer = await Promise.race([ask(request), late]).catch(() => undefined);
    inFlight--;
    if (answer) received(number, answer);
    else if (number > shown) failed(number);
    send();
  }

  function received(number, answer) {
    if (failures) clearTimeout(pause), (pause = undefined);
    failures = 0;
    if (number < shown) return;
    shown = number;
    show(answer);
    clearTimeout(slow);
    slow = undefined;
    say("");
  }

  function failed(number) {
    if (number === sent) stale = true;
    say("The server could not answer. Your drawing is kept, and asked about again.");
    if (failures && pause) return; // of several that fail together, one counts
    wait(Math.min(500 * 2 ** failures++, LONGEST_PAUSE));
  }

  // The drawing has changed. The end of a stroke does not wait for its turn.
  return function changed({ finished = false } = {}) {
    stale = true;
    if (finished && !failures) clearTimeout(pause), (pause = undefined);
    send();
  };
}
