// The console: sends the exchanges of a page to the program that the chapter shows, in the page.
//
// The preprocessor writes each exchange like this:
//
//   <figure class="exchange" data-chapter="state" data-program="requests" id="…">
//     <figcaption>Title <a>file</a></figcaption>
//     <pre class="request"><code>…</code></pre>
//     <pre class="answer"><code>…</code></pre>         (may be inside of a <details>)
//   </figure>
//
// `data-program` names the program that answers, and so the module to load. Exchanges with the same
// `data-chapter` share a session: what one of them changes, the next ones find.
//
// A figure with `data-server` can only be answered by a server. In a `figure.challenge` the
// `pre.first` are requests that each try sends first, the first `pre.request` is the one to start from,
// and the solution and its answer are in a <details>.
//
// This script adds all buttons, so that a page without script or WebAssembly shows none that do
// nothing. A module is loaded when the reader presses Send for the first time.
'use strict';

(() => {
    // ---- A program: its module, and a session for each key.

    class Program {
        constructor(name) {
            this.name = name;
            this.sessions = new Map();
            this.logs = new Map();
            this.loading = null;
            // The browser keeps a module for each URL, even a broken one. So a new copy needs a new URL.
            this.copy = 0;
        }

        load() {
            this.loading ??= (async () => {
                const url = this.file('.js');
                const live = await import(url);
                const { open } = await live.default({ module_or_path: this.file('_bg.wasm') });
                open();
                return live;
            })();
            return this.loading;
        }

        // The address of a file of the module. With the version in it, a browser that has cached the module
        // of an older edition loads the one that belongs to this page.
        file(ending) {
            const url = new URL(`${document.documentElement.dataset.root}generated/live/${this.name}${ending}`, document.baseURI);
            const { console: version } = document.documentElement.dataset;
            if (version) {
                url.searchParams.set('v', version);
            }
            if (this.copy > 0) {
                url.searchParams.set('copy', this.copy);
            }
            return url;
        }

        forget() {
            this.loading = null;
            this.copy += 1;
            this.sessions.clear();
            this.logs.clear();
        }

        // The requests that were sent in a session, in their sequence.
        log(key) {
            if (!this.logs.has(key)) {
                this.logs.set(key, []);
            }
            return this.logs.get(key);
        }

        // The next request of this session finds the initial data.
        reset(key) {
            this.sessions.delete(key);
            this.logs.delete(key);
        }

        async session(key) {
            const live = await this.load();
            if (!this.sessions.has(key)) {
                this.sessions.set(key, new live.Session());
            }
            return this.sessions.get(key);
        }
    }

    const programs = new Map();

    function programOf(name) {
        if (!programs.has(name)) {
            programs.set(name, new Program(name));
        }
        return programs.get(name);
    }

    // ---- Small helpers.

    function make(tag, attributes = {}, ...children) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) {
            if (typeof value === 'function') {
                element.addEventListener(name, value);
            } else {
                element.setAttribute(name, value);
            }
        }
        element.append(...children);
        return element;
    }

    function count(number, what) {
        return `${number} ${what}${number === 1 ? '' : 's'}`;
    }

    function title(figure) {
        const parts = [...figure.querySelector('figcaption').childNodes].filter(part => part.localName !== 'a');
        return parts.map(part => part.textContent).join('').trim();
    }

    function text(code) {
        return code.textContent.replace(/\n$/, '');
    }

    // Linux limits the length of one argument of a command.
    const MOST_PADDING = 100000; // letters

    // The lines of a curl command that sends a request to `cargo chapter NAME`, or null if the text is
    // not a request.
    function curl(request) {
        // Comments and blank lines may come before the request, as for Send.
        const [head, ...rest] = request.replace(/^(?:#(?!##).*\n|\s*\n)*/, '').split('\n\n');
        const [line, ...headers] = head.replace(/\n+$/, '').split('\n');
        const [, method, path] = /^([\w-]+) ((?:\/|\{\{)\S*) HTTP\/1\.1$/.exec(line) ?? [];
        if (!method || !headers.every(header => /^[^\s:]+:/.test(header))) {
            return null;
        }
        const body = rest.join('\n\n').replace(/\n+$/, '');
        const quoted = word => `'${word.replaceAll("'", "'\\''")}'`;
        const lines = [`curl --include ${quoted(`http://localhost:4000${path}`)}`];
        // By default curl expands braces to several URLs, and resolves `/../` in a path.
        if (/[[\]{}]/.test(path)) {
            lines.push('--globoff');
        }
        if (/\/\.\.?(?:[/?]|$)/.test(path)) {
            lines.push('--path-as-is');
        }
        if (method === 'HEAD') {
            lines.push('--head');
        } else if (method !== (body ? 'POST' : 'GET')) {
            lines.push(`--request ${method}`);
        }
        // curl writes a header without a value with a semicolon.
        lines.push(...headers.map(header => `--header ${quoted(header.replace(/^([^:]*):\s*$/, '$1;'))}`));
        if (body && method !== 'HEAD') {
            if (!headers.some(header => /^content-type:/i.test(header))) {
                lines.push("--header 'content-type:'"); // by default, curl sends the content type of a form
            }
            lines.push(`--data-raw ${quoted(body)}`);
        }
        return lines;
    }

    // The value of `{{name}}`: an exchange above captures it from its answer.
    function capturedAbove(figure, name) {
        const all = [...document.querySelectorAll(`figure.exchange[data-chapter="${figure.dataset.chapter}"]`)];
        const above = all.filter(other => other.compareDocumentPosition(figure) & Node.DOCUMENT_POSITION_FOLLOWING);
        for (const other of above.reverse()) {
            const notes = text(other.querySelector('pre.request code'))
                .matchAll(/^# capture (\S+) = (?:header (\S+)|(\/\S*))$/gm);
            const [, , header, pointer] = [...notes].find(note => note[1] === name) ?? [];
            const [head, body] = text(other.querySelector('pre.answer code')).split(/\n\n([^]*)/);
            if (header) {
                return new RegExp(`^${header}: (.*)`, 'im').exec(head)?.[1];
            } else if (pointer) {
                try {
                    return pointer.slice(1).split('/').reduce((value, key) => value?.[key], JSON.parse(body));
                } catch {
                    return undefined; // the answer to an edited request may be other text
                }
            }
        }
        return undefined;
    }

    // The button that copies the command. `say` shows a message to the reader.
    function curlButton(figure, request, say) {
        async function copy() {
            const unknown = new Set();
            const filled = request().replaceAll(/\{\{([^{}]+)\}\}/g, (whole, name) => {
                const [, letters] = /^\s*padding\s+(\d+)\s*$/.exec(name) ?? [];
                const value = letters === undefined ? capturedAbove(figure, name.trim())
                    : letters <= MOST_PADDING ? 'x'.repeat(letters) : undefined;
                if (value === undefined) {
                    unknown.add(whole);
                }
                return value ?? whole;
            });
            const command = curl(filled);
            if (!command) {
                say('Nothing was copied, because this is not a request. A request starts with a line such as '
                    + 'GET /menu HTTP/1.1, and each header is written as name: value.', 'problem');
                return;
            }
            try {
                await navigator.clipboard.writeText(command.join(' \\\n  '));
            } catch {
                say(`This browser doesn’t allow pages to copy. The command is: ${command.join(' ')}`);
                return;
            }
            say(`Copied. To start the program, run “cargo chapter ${figure.dataset.chapter}” in your clone. `
                + 'It starts with its initial data: requests that you sent in this page don’t change it.'
                + (unknown.size > 0 ? ` Replace ${[...unknown].join(' and ')} with a value.` : ''));
        }
        return make('button', { type: 'button', click: copy }, 'Copy as curl');
    }

    // Highlights an HTTP message as the preprocessor does.
    function paint(message) {
        const fragment = document.createDocumentFragment();
        const head = /^(?<method>[A-Z]+)(?= )|^HTTP\/[\d.]+ (?<status>.*)|^(?<name>[\w-]+)(?=:)|^(?<comment>#.*)/;
        const json = /(?<property>"(?:[^"\\]|\\.)*")(?=\s*:)|(?<string>"(?:[^"\\]|\\.)*")|(?<number>-?\b\d[\d.eE+-]*)|(?<literal>\b(?:true|false|null)\b)/g;
        const kinds = {
            method: 'c-keyword', status: 'c-status', name: 'c-property', comment: 'c-comment',
            property: 'c-property', string: 'c-string', number: 'c-number', literal: 'c-keyword',
        };
        const end = message.indexOf('\n\n');
        const body = end < 0 ? message.length : end;
        const isJson = /^\s*[[{]/.test(message.slice(body));
        let at = 0;
        for (const line of message.split(/(?<=\n)/)) {
            const found = at < body ? [head.exec(line)].filter(Boolean) : isJson ? line.matchAll(json) : [];
            let done = 0;
            for (const match of found) {
                const [kind, part] = Object.entries(match.groups).find(([, value]) => value);
                const start = match.index + match[0].lastIndexOf(part);
                fragment.append(line.slice(done, start), make('span', { class: kinds[kind] }, part));
                done = start + part.length;
            }
            fragment.append(line.slice(done));
            at += line.length;
        }
        return fragment;
    }

    // Compares two texts by the longest common subsequence of their lines. Returns for each side its
    // lines and whether the other side has them, and the number of lines that differ.
    function compare(left, right) {
        const a = left.split('\n');
        const b = right.split('\n');
        const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
        for (let i = a.length - 1; i >= 0; i--) {
            for (let j = b.length - 1; j >= 0; j--) {
                longest[i][j] = a[i] === b[j]
                    ? longest[i + 1][j + 1] + 1
                    : Math.max(longest[i + 1][j], longest[i][j + 1]);
            }
        }
        const sides = { left: [], right: [], differing: 0 };
        let [i, j, gone, come] = [0, 0, 0, 0];
        while (i < a.length || j < b.length) {
            if (i < a.length && j < b.length && a[i] === b[j]) {
                sides.differing += Math.max(gone, come);
                [gone, come] = [0, 0];
                sides.left.push([a[i++], true]);
                sides.right.push([b[j++], true]);
            } else if (j === b.length || i < a.length && longest[i + 1][j] >= longest[i][j + 1]) {
                gone += 1;
                sides.left.push([a[i++], false]);
            } else {
                come += 1;
                sides.right.push([b[j++], false]);
            }
        }
        sides.differing += Math.max(gone, come);
        return sides;
    }

    // Highlighted lines. Those that the other side does not have are in a `tag`: ins or del.
    function marked(lines, tag) {
        const message = lines.map(([line]) => line).join('\n');
        const holder = make('div');
        holder.append(paint(message));
        const rows = [make('span')];
        for (const node of holder.childNodes) {
            const parts = node.textContent.split('\n');
            parts.forEach((part, index) => {
                if (index > 0) {
                    rows.at(-1).append('\n');
                    rows.push(make('span'));
                }
                const piece = node.cloneNode();
                piece.textContent = part;
                rows.at(-1).append(piece);
            });
        }
        return rows.flatMap((row, index) => lines[index][1]
            ? [...row.childNodes]
            : [make(tag, {}, ...row.childNodes)]);
    }

    // ---- Links that carry a request, in the fragment of the page's address: `#Live-` and JSON in base64url.
    // The JSON has the id of the figure, the request, and the requests to send before it. One that is
    // recorded on the page is named by the id of its figure. The identifiers of headings are in lowercase,
    // so none begins like this.

    const CARRIES = '#Live-';
    const LONGEST = 20000; // letters of a fragment
    const MOST_BEFORE = 50; // requests

    function encoded(carried) {
        const bytes = new TextEncoder().encode(JSON.stringify(carried));
        const letters = Array.from(bytes, byte => String.fromCharCode(byte)).join('');
        return CARRIES + btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    }

    // The opposite. Throws an error with a message for the reader if the link is not one of these.
    function decoded(fragment) {
        if (fragment.length > LONGEST) {
            throw new Error('it is too long');
        }
        let carried;
        try {
            // A chat may have added the end of a sentence to the link.
            const [base64] = /^[\w-]*/.exec(fragment.slice(CARRIES.length));
            const letters = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
            const bytes = Uint8Array.from(letters, letter => letter.charCodeAt(0));
            carried = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
        } catch {
            throw new Error('a part of it is missing or was changed');
        }
        const isText = value => typeof value === 'string';
        const isStep = step => isText(step) || (isText(step?.id) && Object.keys(step).length === 1);
        const { id, request, before = [] } = carried ?? {};
        if (!isText(id) || !isText(request) || !Array.isArray(before) || !before.every(isStep)) {
            throw new Error('it does not carry a request');
        }
        if (before.length > MOST_BEFORE) {
            throw new Error(`it carries more than ${MOST_BEFORE} requests`);
        }
        return { id, request, before };
    }

    // Whether a request changes nothing, by its method.
    function onlyReads(request) {
        return /^(?:#(?!##).*\n|\s*\n)*(?:GET|HEAD) /.test(request);
    }

    // ---- The call trace of a request: the functions that handled it, from the spans that they opened.

    let traceIsOpen = false;

    function drawTrace(details, spans) {
        const layer = ({ target }) => target.split('::').at(-1);
        details.hidden = spans.length === 0;
        details.open = traceIsOpen;
        details.replaceChildren(
            make('summary', {}, `Call trace: ${[...new Set(spans.map(layer))].join(' → ')}`),
            make('ol', {}, ...spans.map(span => {
                const item = make('li', {}, make('b', {}, layer(span)), ` ${span.name}`);
                // Not as an attribute, which a Content-Security-Policy may forbid.
                item.style.setProperty('--depth', span.depth);
                return item;
            })));
    }

    // ---- A request with its controls: the base class of exchanges and challenges.

    const MISSING = 'The program could not be loaded, so nothing was sent. Possible reasons: this copy of '
        + 'the guide was built without the console (--no-console), the page was opened as a file and not '
        + 'from a server, or you are offline.';

    class Card {
        constructor(figure, request) {
            this.figure = figure;
            this.program = programOf(figure.dataset.program);
            this.key = figure.dataset.chapter;
            this.pre = request;
            this.code = request.querySelector('code');
            this.record = { request: text(this.code), painted: [...this.code.childNodes] };
            this.title = title(figure);
            this.sendButton = this.button('Send', () => this.send(), 'send');
            this.editButton = this.button('Edit', () => this.toggleEditor());
            this.restoreButton = this.button('Undo edit', () => this.restore());
            this.turnButton = this.button('Show recorded response', () => this.turn());
            this.topButton = this.button('Send all up to here', () => this.sendFromTheTop());
            this.resetButton = this.button('Reset', () => this.reset());
            this.curlButton = curlButton(figure, () => this.request, (...said) => this.say(...said));
            this.linkButton = this.button('Copy link', () => this.copyLink());
            this.status = make('p', { role: 'status' });
            // A reader who opens one call trace wants to see the next one open, too.
            this.trace = make('details', { class: 'trace', toggle: () => { traceIsOpen = this.trace.open; } });
            this.bar = make('div', { class: 'console', role: 'group', 'aria-label': `Console: ${this.title}` },
                this.sendButton, this.editButton, this.curlButton, this.linkButton, this.restoreButton, this.turnButton,
                this.topButton, this.resetButton, this.status, this.trace);
            this.pre.after(this.bar);
            this.quiet();
        }

        button(label, pressed, name = '') {
            return make('button', { type: 'button', class: name, click: pressed }, label);
        }

        // Hides everything that belongs to an answer.
        quiet() {
            for (const button of [this.turnButton, this.topButton, this.resetButton]) {
                button.hidden = true;
            }
            this.offerToUndo();
            this.sent = false;
            this.linked = null;
            this.beforeBox?.remove();
            this.trace.hidden = true;
            this.say('');
        }

        say(words, kind = '') {
            this.status.textContent = words;
            this.status.className = kind;
        }

        // ---- Editing.

        get request() {
            return this.editor?.value ?? text(this.code);
        }

        toggleEditor() {
            if (this.editor) {
                this.closeEditor();
            } else {
                this.openEditor();
                this.editor.focus();
            }
        }

        openEditor() {
            this.editor = make('textarea', {
                class: 'request', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off',
                'aria-label': `Request: ${this.title}`,
                input: () => this.edited(),
                keydown: event => this.pressed(event),
            });
            this.editor.value = text(this.code);
            this.editor.setSelectionRange(0, 0);
            this.pre.hidden = true;
            this.pre.after(this.editor);
            this.editButton.textContent = 'Close editor';
            this.edited();
        }

        closeEditor() {
            this.code.replaceChildren(paint(this.editor.value));
            this.editor.remove();
            this.editor = null;
            this.pre.hidden = false;
            this.editButton.textContent = 'Edit';
            this.editButton.focus();
        }

        edited() {
            this.editor.style.height = '0';
            this.editor.style.height = `${this.editor.scrollHeight}px`;
            this.offerToUndo();
        }

        offerToUndo() {
            this.restoreButton.hidden = this.request === this.record.request;
        }

        pressed(event) {
            if (event.isComposing) {
                return; // an input method is choosing a character
            }
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                this.send();
            } else if (event.key === 'Escape') {
                event.preventDefault();
                this.leaveEditor();
            }
        }

        leaveEditor() {
            this.closeEditor();
        }

        putRequestBack() {
            if (this.editor) {
                this.editor.value = this.record.request;
                this.edited();
            } else {
                this.code.replaceChildren(...this.record.painted);
                this.offerToUndo();
            }
        }

        restore() {
            this.putRequestBack();
            (this.editor ?? this.sendButton).focus();
            this.say('Your edit is undone. This is the recorded request.');
        }

        // ---- Sending.

        async send() {
            if (this.busy) {
                return;
            }
            this.busy = true;
            this.sendButton.setAttribute('aria-disabled', 'true');
            this.say(this.program.loading ? 'Sending…' : 'Loading the program…');
            try {
                await this.ask();
            } finally {
                this.sendButton.removeAttribute('aria-disabled');
                this.busy = false;
            }
        }

        async ask() {
            let session;
            try {
                session = await this.program.session(this.key);
            } catch (error) {
                console.warn('The program could not be loaded:', error);
                this.program.forget();
                this.say(MISSING + this.unsent, 'problem');
                return;
            }
            let answer;
            const log = this.program.log(this.key);
            try {
                this.prepare(session);
                this.sentBefore = [...log];
                answer = session.send(this.request);
                log.push(this.request);
            } catch (error) {
                this.failed(error);
                return;
            }
            this.sent = true;
            this.unreadable = null;
            this.answered(answer.status, answer.text);
            if (answer.missing) {
                this.say(`${this.status.textContent} Note: ${answer.missing}, so requests that use this value can’t be sent.`,
                    this.status.className);
            }
            drawTrace(this.trace, JSON.parse(answer.spans));
            this.resetButton.hidden = false; // but not those of other requests, which would move the page
        }

        prepare(session) {
            this.sendLinked(session);
        }

        failed(error) {
            this.trace.hidden = true;
            const below = this.sent ? ' The response below is the one to your previous request.' : this.unsent;
            if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
                this.program.forget();
                for (const card of cards.filter(card => card.program === this.program)) {
                    card.sent = false;
                }
                this.say('The program panicked, and its data is lost. '
                    + `Your next request starts it again with its initial data.${below}`, 'problem');
            } else {
                this.unreadable = this.request;
                const message = error.message.replace(/^./, first => first.toUpperCase());
                // The name of a value that an earlier request on this page has to get first.
                const [, value] = /`([^`]*)` has no value yet/.exec(error.message) ?? [];
                this.say(value && this.hasUnsentAbove()
                    ? `Not sent: this request contains {{${value}}}, a value from the response to an earlier request on `
                        + `this page. Press “Send all up to here” to send the earlier requests first.${below}`
                    : `No response. ${message}.${below}`, 'problem');
            }
            this.topButton.hidden = !this.hasUnsentAbove();
        }

        // The answers were recorded by sending the requests from top to bottom.
        hasUnsentAbove() {
            return this.above().some(card => !card.sent);
        }

        above() {
            const all = cards.filter(card => card.key === this.key);
            return all.slice(0, all.indexOf(this));
        }

        async sendFromTheTop() {
            const all = [...this.above(), this];
            this.freshShop();
            this.sendButton.focus();
            for (const card of all) {
                await card.send();
            }
        }

        freshShop() {
            this.program.reset(this.key);
            for (const card of cards.filter(card => card.key === this.key)) {
                card.back();
            }
        }

        // ---- Links.

        // The requests to send before this one, so that its answer is the one that the reader has seen.
        // Before the first press, these are the recorded requests above. One that only reads is left out,
        // unless a later request uses a value of its answer.
        before() {
            const log = this.program.log(this.key);
            const sent = this.sent ? this.sentBefore
                : this.linked ?? (log.length > 0 ? log : this.above().map(card => card.request));
            const recorded = cards.filter(card => card.key === this.key);
            return sent.filter(request => !onlyReads(request) || /^# capture /m.test(request)).map(request => {
                const card = recorded.find(({ record }) => record.request === request);
                return card ? { id: card.figure.id } : request;
            });
        }

        async copyLink() {
            const carried = { id: this.figure.id, request: this.request, before: this.before() };
            const link = new URL(location.href);
            link.hash = encoded(carried);
            if (link.hash.length > LONGEST || carried.before.length > MOST_BEFORE) {
                this.say('Nothing was copied, because the link would be too long. Reset, and send only the '
                    + 'requests that this one needs.', 'problem');
                return;
            }
            try {
                await navigator.clipboard.writeText(link.href);
                const press = onlyReads(this.request) && carried.before.length === 0 ? '' : ', after a press on Send';
                this.say(this.request === this.unreadable
                    ? `Copied. The link opens this page with this request, and with the message that it can’t be sent${press}.`
                    : `Copied. The link opens this page with this request and its live response${press}.`);
            } catch {
                this.say(`This browser doesn’t allow pages to copy. The link is: ${link.href}`);
            }
        }

        // Shows the request of a link. It is sent if nothing that is sent changes anything. Otherwise the
        // reader decides.
        async open(request, before) {
            this.freshShop();
            this.linked = before;
            if (this.editor) {
                this.editor.value = request;
                this.edited();
            } else if (request !== this.record.request) {
                this.code.replaceChildren(paint(request));
            }
            this.offerToUndo();
            this.figure.scrollIntoView({ block: 'start' });
            this.sendButton.focus({ preventScroll: true });
            this.showBefore();
            if ([...before, request].every(onlyReads)) {
                await this.send();
            } else {
                const first = before.length > 0 ? ` to send ${count(before.length, 'earlier request')}, and then this one` : '';
                const changes = onlyReads(request) ? 'The requests to send before it' : 'It';
                this.say(`A link brought you to this request. ${changes} may change data of the program in this page, `
                    + `so nothing is sent yet. Press Send${first}.${this.unsent}`);
            }
        }

        showBefore() {
            this.beforeBox?.remove();
            if (this.linked.length === 0) {
                return;
            }
            this.beforeBox = make('details', {},
                make('summary', {}, `To send first: ${count(this.linked.length, 'request')}`),
                ...this.linked.map(request => make('pre', { class: 'first' }, make('code', { tabindex: '0' }, paint(request)))));
            (this.editor ?? this.pre).before(this.beforeBox);
        }

        // The requests that came with a link are sent once, before the first request.
        sendLinked(session) {
            const log = this.program.log(this.key);
            for (const [index, request] of (this.linked ?? []).entries()) {
                try {
                    session.send(request);
                } catch (error) {
                    this.program.reset(this.key); // the next press starts with the initial data again
                    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
                        throw error;
                    }
                    throw new Error(`request ${index + 1} of those to send first: ${error.message}`);
                }
                log.push(request);
            }
            this.linked = null;
            const summary = this.beforeBox?.querySelector('summary');
            if (summary) {
                summary.textContent = summary.textContent.replace('To send first', 'Sent first');
            }
        }

        reset() {
            this.freshShop();
            this.sendButton.focus();
            this.say(`The program has its initial data again.${this.restoreButton.hidden ? '' : ' Your edit is kept.'}`);
        }
    }

    class Exchange extends Card {
        unsent = ' The response below is the recorded one.';

        constructor(figure) {
            super(figure, figure.querySelector('pre.request'));
            this.answerPre = figure.querySelector('pre.answer');
            this.answer = this.answerPre.querySelector('code');
            this.details = this.answerPre.closest('figure details');
            this.record.answer = text(this.answer);
            this.record.answerPainted = [...this.answer.childNodes];
        }

        answered(status, real) {
            const sides = compare(this.record.answer, real);
            this.views = sides.differing === 0
                ? { actual: this.record.answerPainted, record: this.record.answerPainted }
                : { actual: marked(sides.right, 'ins'), record: marked(sides.left, 'del') };
            this.codes = { actual: status, record: this.record.answer.split(' ')[1] };
            this.show('actual');
            if (this.details) {
                this.details.open = true;
            }
            this.turnButton.hidden = sides.differing === 0;
            const edited = this.request !== this.record.request;
            const early = this.hasUnsentAbove();
            this.topButton.hidden = edited || sides.differing === 0 || !early;
            const line = real.split('\n', 1)[0].replace(/^\S+ /, '');
            // This header has the number of the request.
            const uncounted = message => message.replace(/^x-request-id: \d+$/m, '');
            if (sides.differing === 0) {
                this.say(`${line}. Same as the recorded response.`, 'same');
            } else if (uncounted(real) === uncounted(this.record.answer)) {
                this.say(`${line}. Same as the recorded response except for x-request-id, `
                    + 'which counts the requests.', 'same');
            } else {
                this.say(`${line}. Differs from the recorded response in `
                    + `${count(sides.differing, 'line')}.`
                    + (edited || early ? '' : ' Earlier requests have changed the program’s data.'), 'differs');
            }
        }

        show(side) {
            this.side = side;
            this.answer.replaceChildren(...this.views[side]);
            this.answerPre.dataset.status = this.codes[side];
            this.turnButton.textContent = side === 'actual' ? 'Show recorded response' : 'Show actual response';
            this.name(side === 'actual' ? 'Actual response' : 'Recorded response');
        }

        // Sets the label of a folded answer.
        name(words) {
            if (this.details) {
                this.details.querySelector('summary').textContent = words;
            }
        }

        turn() {
            this.show(this.side === 'actual' ? 'record' : 'actual');
            this.say(`This is the ${this.side === 'actual' ? 'actual' : 'recorded'} response.`);
        }

        back() {
            this.answer.replaceChildren(...this.record.answerPainted);
            this.answerPre.dataset.status = this.record.answer.split(' ')[1];
            this.name('Recorded response');
            this.quiet();
        }
    }

    class Challenge extends Card {
        unsent = '';

        constructor(figure) {
            super(figure, figure.querySelector('pre.request'));
            this.key = `challenge ${figure.id}`;
            const wanted = [...figure.querySelectorAll('details pre.answer code')].at(-1);
            this.wanted = text(wanted);
            this.answerPre = make('pre', { class: 'answer' }, make('code'));
            this.answerPre.hidden = true;
            this.bar.after(this.answerPre);
            this.editButton.remove();
            this.openEditor();
        }

        leaveEditor() {
            this.sendButton.focus();
        }

        // Each try gets a program with its initial data. Otherwise an order that was placed by an
        // earlier try could make the right request fail.
        ask() {
            this.program.reset(this.key);
            return super.ask();
        }

        // The challenge sends its first requests itself.
        before() {
            return [];
        }

        // The requests that lead to the situation of the challenge.
        prepare(session) {
            for (const code of this.figure.querySelectorAll('pre.first code')) {
                session.send(text(code));
            }
        }

        answered(status, real) {
            this.answerPre.querySelector('code').replaceChildren(paint(real));
            this.answerPre.dataset.status = status;
            this.answerPre.hidden = false;
            const wanted = this.wanted.split(' ')[1];
            const body = message => message.split(/\n\n([^]*)/)[1] ?? '';
            if (String(status) === wanted && body(real) === body(this.wanted)) {
                this.met = true;
                this.say(`Solved: status ${status}, with the expected body.`, 'met');
            } else if (this.met) {
                this.say(`Status ${status}. You have already solved this challenge.`);
            } else if (String(status) !== wanted) {
                this.say(`Not solved yet: status ${status}, expected ${wanted}.`, 'differs');
            } else {
                this.say(`Not solved yet: status ${status}, as expected, but a different body.`, 'differs');
            }
        }

        back() {
            this.answerPre.hidden = true;
            this.met = false;
            this.quiet();
        }
    }

    // ---- Two tasks that the reader polls. The page has a recorded sequence of polls as a list. The buttons
    // poll the tasks in a session of their own.

    class Scheduler {
        constructor(figure) {
            this.figure = figure;
            this.program = programOf(figure.dataset.program);
            this.key = figure.id;
            this.polls = Promise.resolve();
            this.list = figure.querySelector('ol');
            this.recorded = [...this.list.children];
            const requests = new Map(this.recorded.map(item => [item.querySelector('b').textContent, item.dataset.request]));
            this.tasks = [...requests].map(([name, request]) => ({
                name, request, ended: false,
                button: make('button', { type: 'button', class: 'send', click: () => this.press(name) }, `Poll: ${name}`),
            }));
            this.resetButton = make('button', { type: 'button', click: () => this.startAgain() }, 'Start again');
            this.recordButton = make('button', { type: 'button', click: () => this.showRecorded() }, 'Show recorded sequence');
            this.resetButton.hidden = true;
            this.recordButton.hidden = true;
            this.status = make('p', { role: 'status' });
            // Above the list, so that they stay in their places when the list gets longer.
            this.list.before(make('div', { class: 'console', role: 'group', 'aria-label': title(figure) },
                ...this.tasks.map(task => task.button), this.resetButton, this.recordButton, this.status));
        }

        // The first press loads the program. Presses until then are polls, too, in the same sequence.
        press(name) {
            const task = this.tasks.find(task => task.name === name);
            this.polls = this.polls.then(() => this.poll(task));
        }

        async poll(task) {
            if (task.ended) {
                const all = this.tasks.every(({ ended }) => ended);
                this.status.className = '';
                this.status.textContent = `${task.name} has ended, so it can’t be polled again. `
                    + (all ? 'Press Start again for another sequence.' : 'Poll the other task.');
                return;
            }
            try {
                const session = await this.program.session(this.key);
                const { text: answer } = session.send(task.request);
                this.took(task, JSON.parse(answer.split(/\n\n([^]*)/)[1]));
            } catch (error) {
                console.warn('The program could not be loaded:', error);
                this.program.forget();
                this.status.textContent = MISSING;
                this.status.className = 'problem';
            }
        }

        took(task, { step, ended, numbers, outcome = '' }) {
            if (!this.started) {
                this.started = true;
                this.list.replaceChildren();
                this.resetButton.hidden = false;
                this.recordButton.hidden = false;
            }
            this.end(task, ended);
            const values = Object.entries(numbers).map(([name, value]) => `${name} ${value}`).join(', ');
            this.list.append(make('li', {}, make('b', {}, task.name), ' ', make('span', {}, step), ' ', make('i', {}, values),
                ...(outcome ? [' ', make('strong', {}, outcome)] : [])));
            this.status.className = '';
            this.status.textContent = `${task.name}: ${step}. ${values}.${outcome && ` Both tasks have ended. ${outcome}`}`;
        }

        // A task that has ended can't be polled. Its button keeps the focus.
        end(task, ended) {
            task.ended = ended;
            task.button.setAttribute('aria-disabled', ended);
        }

        startAgain() {
            this.program.reset(this.key);
            this.tasks.forEach(task => this.end(task, false));
            this.list.replaceChildren();
            this.started = true;
            this.status.textContent = 'Nothing was polled yet. The data is the initial data.';
            this.tasks[0].button.focus();
        }

        showRecorded() {
            this.program.reset(this.key);
            this.tasks.forEach(task => this.end(task, false));
            this.list.replaceChildren(...this.recorded);
            this.started = false;
            this.resetButton.hidden = true;
            this.recordButton.hidden = true;
            this.status.textContent = 'This is the recorded sequence.';
            this.tasks[0].button.focus();
        }
    }

    // ---- Diagrams: a list of steps, or a drawing of them.

    let drawing = null;

    function loadMermaid() {
        drawing ??= new Promise((resolve, reject) => {
            const script = make('script', { src: `${document.documentElement.dataset.root}generated/mermaid.min.js` });
            script.onload = () => resolve(window.mermaid);
            script.onerror = () => {
                drawing = null;
                script.remove();
                reject(new Error('mermaid.min.js is not there'));
            };
            document.head.append(script);
        });
        return drawing;
    }

    class Diagram {
        constructor(figure, index) {
            this.id = `diagram-${index}`;
            this.source = figure.querySelector('.mermaid-source').textContent;
            this.steps = figure.querySelector('ol');
            this.canvas = make('div', { class: 'canvas', role: 'img', tabindex: '0', 'aria-label': `Diagram: ${this.words()}` });
            this.button = make('button', { type: 'button', click: () => this.pressed() }, 'Show diagram');
            this.status = make('p', { role: 'status' });
            this.box = make('div', { class: 'box' });
            this.steps.before(this.box);
            this.box.style.setProperty('--steps', this.steps.children.length);
            this.box.append(this.steps);
            this.box.after(make('div', { class: 'console' }, this.button, this.status));
        }

        // The steps as one line, for readers who don't see the drawing.
        words() {
            return [...this.steps.children].map(step => step.textContent).join('; ');
        }

        // Replaces the drawing with the steps.
        showSteps() {
            this.canvas.replaceWith(this.steps);
            this.box.style.height = '';
            this.status.textContent = '';
            this.button.textContent = 'Show diagram';
        }

        async pressed() {
            if (this.canvas.isConnected) {
                this.showSteps();
                return;
            }
            this.status.textContent = 'Drawing the diagram…';
            if (await this.draw()) {
                this.box.style.height = `${this.box.offsetHeight}px`;
                this.steps.replaceWith(this.canvas);
                this.button.textContent = 'Show steps';
                this.status.textContent = 'The diagram is shown.';
            }
        }

        // Returns whether the diagram could be drawn.
        async draw() {
            const chosen = document.documentElement.dataset.theme;
            const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
            try {
                const mermaid = await loadMermaid();
                mermaid.initialize({ startOnLoad: false, theme: dark ? 'dark' : 'neutral', htmlLabels: false,
                    // Sizes that make the drawing as high as the steps, so that it is not scaled.
                    sequence: { mirrorActors: false, height: 36, messageMargin: 22, boxMargin: 4, diagramMarginY: 4,
                        messageFontSize: 17, actorFontSize: 17, actorMargin: 24, bottomMarginAdj: 4 },
                    flowchart: { nodeSpacing: 24, rankSpacing: 24, padding: 9 },
                    // The default has too little contrast behind the labels of arrows.
                    themeVariables: dark ? { edgeLabelBackground: '#14171c' } : {} });
                const { svg } = await mermaid.render(this.id, this.source);
                this.canvas.innerHTML = svg;
                return true;
            } catch (error) {
                console.warn('The diagram could not be drawn:', error);
                this.status.textContent = 'The diagram could not be drawn. The steps contain the same information.';
                return false;
            }
        }
    }

    // ---- The page.

    // An exchange that the page cannot send gets the reason and a button to copy it.
    function withoutSend(figure, why) {
        const request = figure.querySelector('pre.request code');
        const status = make('p', { role: 'status' });
        const say = (words, kind = '') => {
            status.textContent = words;
            status.className = kind;
        };
        figure.append(make('div', { class: 'console' }, make('p', {}, why),
            curlButton(figure, () => text(request), say), status));
    }

    if (typeof WebAssembly === 'object') {
        document.querySelectorAll('figure.scheduler').forEach(figure => new Scheduler(figure));
    }

    const cards = [];
    for (const figure of document.querySelectorAll('figure.exchange, figure.challenge')) {
        if ('server' in figure.dataset) {
            withoutSend(figure, 'You can’t send this request here, because its response needs a clock or '
                + 'threads, which the page doesn’t have. The tests send it to a server.');
        } else if (typeof WebAssembly !== 'object') {
            withoutSend(figure, 'You can’t send this request here, because this browser doesn’t run WebAssembly.');
        } else {
            cards.push(figure.matches('.challenge') ? new Challenge(figure) : new Exchange(figure));
        }
    }

    // Opens a link that carries a request. A link that doesn't hold leaves the page as it is.
    const told = make('p', { role: 'alert', class: 'link-problem' });
    function openLink() {
        told.remove();
        if (!location.hash.startsWith(CARRIES)) {
            return;
        }
        try {
            const { id, request, before } = decoded(location.hash);
            const find = id => {
                const card = cards.find(({ figure }) => figure.id === id);
                if (!card) {
                    throw new Error('this page doesn’t have the request any more');
                }
                return card;
            };
            const card = find(id);
            const steps = before.map(step => typeof step === 'string' ? step : find(step.id).record.request);
            // Some exchanges are in a fold, such as the answer to a question. It is opened only now, because
            // a link that doesn't hold changes nothing.
            for (let fold = card.figure.closest('details'); fold; fold = fold.parentElement.closest('details')) {
                fold.open = true;
            }
            card.open(request, steps);
        } catch (error) {
            told.textContent = `This link can’t be opened: ${error.message}. Nothing was sent, and the page is unchanged.`;
            document.querySelector('main').prepend(told);
            told.scrollIntoView({ block: 'center' });
        }
    }
    addEventListener('hashchange', openLink);
    openLink();

    const diagrams = [...document.querySelectorAll('figure.diagram')]
        .map((figure, index) => new Diagram(figure, index));
    if (diagrams.length > 0) {
        // A drawing follows the theme of the reader or of the system.
        const redraw = () => {
            for (const diagram of diagrams.filter(diagram => diagram.canvas.isConnected)) {
                diagram.draw();
            }
        };
        new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme'] });
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
        // A drawing for the dark theme cannot be read on paper.
        addEventListener('beforeprint', () => diagrams.forEach(diagram => diagram.showSteps()));
    }
})();
