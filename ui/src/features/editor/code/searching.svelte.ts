/** What is searched for in a document, and what was found. */

import {
  SearchQuery,
  closeSearchPanel,
  findNext,
  findPrevious,
  getSearchQuery,
  replaceAll,
  replaceNext,
  setSearchQuery,
} from "@codemirror/search";
import type { EditorView, ViewUpdate } from "@codemirror/view";

/** More are not counted: a number that nobody reads is not worth a pause. */
const MOST = 2000;

export class Searching {
  query = $state.raw(new SearchQuery({ search: "" }));
  count = $state(0);
  /** Which of them is selected, from 1; 0 is none. */
  at = $state(0);

  constructor(private readonly view: EditorView) {
    this.query = getSearchQuery(view.state);
    this.#count();
  }

  get more(): boolean {
    return this.count >= MOST;
  }

  get readOnly(): boolean {
    return this.view.state.readOnly;
  }

  update(update: ViewUpdate): void {
    const query = getSearchQuery(update.state);
    const isOther = !query.eq(this.query);
    if (isOther) this.query = query;
    if (isOther || update.docChanged || update.selectionSet) this.#count();
  }

  #count(): void {
    this.count = 0;
    this.at = 0;
    if (!this.query.search || !this.query.valid) return;
    const { main } = this.view.state.selection;
    const cursor = this.query.getCursor(this.view.state);
    for (let found = cursor.next(); !found.done && this.count < MOST; found = cursor.next()) {
      this.count += 1;
      if (found.value.from === main.from && found.value.to === main.to) this.at = this.count;
    }
  }

  change(
    changed: Partial<Pick<SearchQuery, "search" | "replace" | "caseSensitive" | "regexp" | "wholeWord">>,
  ): void {
    const { search, replace, caseSensitive, regexp, wholeWord } = this.query;
    const query = new SearchQuery({ search, replace, caseSensitive, regexp, wholeWord, ...changed });
    this.view.dispatch({ effects: setSearchQuery.of(query) });
    if (changed.search !== undefined && query.valid && query.search) this.#goToFirst();
  }

  /** While a word is typed, the first match from where the cursor is. */
  #goToFirst(): void {
    const { state } = this.view;
    const cursor = this.query.getCursor(state, state.selection.main.from);
    let found = cursor.next();
    if (found.done) found = this.query.getCursor(state).next();
    if (!found.done) {
      const { from, to } = found.value;
      this.view.dispatch({
        selection: { anchor: from, head: to },
        scrollIntoView: true,
        userEvent: "select.search",
      });
    }
  }

  next = () => findNext(this.view);
  before = () => findPrevious(this.view);
  replace = () => replaceNext(this.view);
  replaceAll = () => replaceAll(this.view);

  close = () => {
    closeSearchPanel(this.view);
    this.view.focus();
  };
}
