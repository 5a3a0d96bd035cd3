// What the panel shows, and what its visitor has chosen. Each view gets this, draws it, and changes it by its methods.
import { LAYERS, incoming, unpackWeights } from "./answer.js";

// schedule() draws all views in the next frame; the rest is as Gradio gives it.
export function makeState({ element, server, schedule }) {
  const networks = {}; // name -> {w1, b1, w2, b2, w3, b3}, or null while they are under way
  const state = {
    element,
    schedule,
    answer: null, // the newest, unpacked
    chosen: null, // the digit whose evidence is shown; null for the predicted one
    pinned: null, // the unit or logit chosen by click or key: {layer, index}
    pointed: null, // the one under the pointer, or with the focus
    typical: { layer: "h1", index: 0 }, // the one shown without a choice

    find: (selector) => element.querySelector(selector),
    findAll: (selector) => [...element.querySelectorAll(selector)],
    // A question of the panel's own: the reply; undefined where the server cannot answer
    ask: (question, request) => server[question](request),
    isOpen: () => element.querySelector("details.panel").open,

    digit: () => state.chosen ?? state.answer.predicted,
    settled: () => state.pinned ?? state.typical,
    target: () => state.pointed ?? state.settled(),
    point(to) {
      state.pointed = to;
      schedule();
    },
    pin(to) {
      state.pinned = to;
      schedule();
    },
    choose(digit) {
      if (!state.answer) return;
      state.chosen = digit === state.answer.predicted ? null : digit;
      state.pin({ layer: "logits", index: digit });
    },

    // The exact weights: one question for each network, when the panel is first open with a visitor's drawing, or a unit
    // of the example is pointed at whose weights did not come with it.
    weights() {
      const network = state.answer?.network;
      const wanted = !state.answer?.unit || state.pointed || state.pinned;
      if (network && wanted && networks[network] === undefined) {
        networks[network] = null;
        state.ask("panel_weights", { network }).then((reply) => {
          if (!reply || reply.busy || reply.refused) return delete networks[network];
          networks[network] = unpackWeights(reply);
          schedule();
        });
      }
      return networks[network];
    },
    // The weights into a unit and its bias, or null while they are under way.
    into({ layer, index }) {
      const { unit } = state.answer;
      if (layer === "h1" && unit?.index === index) return unit;
      const net = state.weights();
      return net ? { weights: incoming(net, { layer, index }), bias: net[LAYERS[layer].bias][index] } : null;
    },
  };
  return state;
}
