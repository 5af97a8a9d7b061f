// The statement's editor: CodeMirror 6.0.2 around the text area of a form, which stays what is sent. Tables and
// columns for completion come from the page. Tab leaves the editor: it is no trap for the keyboard.
import { basicSetup } from "codemirror";
import { EditorView, keymap } from "@codemirror/view";
import { Prec } from "@codemirror/state";
import { PostgreSQL, sql } from "@codemirror/lang-sql";

// Colours of the page, each at least 4.5 to 1 on white; CodeMirror's own focus ring is kept visible.
const look = EditorView.theme({
  "&": { border: "2px solid #0b0c0c", backgroundColor: "#ffffff", fontSize: "1rem", minHeight: "12rem" },
  "&.cm-focused": { outline: "3px solid #ffdd00", outlineOffset: "0", boxShadow: "inset 0 0 0 2px #0b0c0c" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace' },
  ".cm-gutters": { backgroundColor: "#f3f2f1", color: "#484949" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "#f3f2f1" },
});

// Chrome puts the colour of a text that is typed over into a style attribute. The content security policy stops it,
// nonce or not, and the console is told: so the editor replaces a selection itself, closing brackets as ever.
const typedOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { main } = view.state.selection;
    if (event.inputType !== "insertText" || !event.data || main.empty || view.composing || view.state.readOnly) return false;
    const plain = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, main.from, main.to, event.data, plain))) view.dispatch(plain());
    return true;
  },
});

export function edit(area, schema, run) {
  // The editor takes the text area's place, for links to it as well.
  const host = document.createElement("div");
  host.id = area.id;
  area.id = `${area.id}-text`;
  area.after(host);
  // In a shadow root CodeMirror adopts its style sheets, which a content security policy without inline styles allows.
  const root = host.attachShadow({ mode: "open", delegatesFocus: true });
  const label = document.querySelector(`label[for="${host.id}"]`);
  const view = new EditorView({
    doc: area.value,
    root,
    parent: root,
    extensions: [
      Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }])),
      basicSetup,
      EditorView.lineWrapping,
      look,
      typedOver,
      sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false }),
      EditorView.contentAttributes.of({ "aria-label": label?.textContent ?? "Statement", spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) area.value = update.state.doc.toString();
      }),
    ],
  });
  // By a class too: the style of a text area shows it whatever its attribute says.
  area.hidden = true;
  area.classList.add("govuk-!-display-none");
  label?.addEventListener("click", () => view.focus());
  return {
    focus: () => view.focus(),
    selection: () => {
      const { from, to } = view.state.selection.main;
      return view.state.sliceDoc(from, to);
    },
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
