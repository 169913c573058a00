import { useEffect, useRef, useState } from 'preact/hooks';
import { createApi, type LoginAnswer } from './api.ts';
import { ClaimDetail } from './claim-detail.tsx';
import { ClaimList } from './claim-list.tsx';
import { ImportDetail } from './import-detail.tsx';
import { ImportList } from './import-list.tsx';
import { Login } from './login.tsx';
import { firstPage, type Position, restorePosition } from './paging.ts';
import { allClaims, allImports, formatHash, parseHash, type Route } from './route.ts';
import { closeSession, currentSession, openSession } from './session.ts';

/** What the address shows, and what its history entry knows of the pages before it. */
interface Place {
  route: Route;
  position: Position;
}

function currentPlace(): Place {
  const route = parseHash(location.hash);
  return {
    route,
    position: 'cursor' in route ? restorePosition(route.cursor, history.state?.earlier) : firstPage,
  };
}

function usePlace() {
  const [place, setPlace] = useState(currentPlace);
  useEffect(() => {
    const read = () => setPlace(currentPlace());
    addEventListener('popstate', read);
    return () => removeEventListener('popstate', read);
  }, []);
  return {
    ...place,
    go(route: Route, position: Position, how: 'pushState' | 'replaceState' = 'pushState') {
      history[how]({ earlier: position.earlier }, '', formatHash(route));
      setPlace(currentPlace());
    },
  };
}

const ended = 'Your session has ended. Log in again to go on where you were.';

function useSession() {
  const [session, setSession] = useState(() => currentSession(sessionStorage, Date.now()));
  const [notice, setNotice] = useState<string>();

  function end(reason?: string) {
    closeSession(sessionStorage);
    setSession(undefined);
    setNotice(reason);
  }
  const [api] = useState(() =>
    createApi({
      fetch: (input, init) => fetch(input, init),
      token: () => currentSession(sessionStorage, Date.now())?.token,
      signedOut: () => end(ended),
    }),
  );
  // Nothing of the claims stays on the screen of a reader who has left it.
  useEffect(() => {
    if (!session) return;
    const longest = 2 ** 31 - 1;
    const timer = setTimeout(() => end(ended), Math.min(session.expiresAt - Date.now(), longest));
    return () => clearTimeout(timer);
  }, [session]);
  return {
    api,
    session,
    notice,
    begin: (username: string, answer: LoginAnswer) =>
      setSession(openSession(sessionStorage, username, answer, Date.now())),
    end,
  };
}

export function App() {
  const { api, session, notice, begin, end } = useSession();
  const { route, position, go } = usePlace();
  const main = useRef<HTMLElement>(null);
  const lastList = useRef<Place>({ route: allClaims, position: firstPage });
  if (route.view === 'claims') lastList.current = { route, position };
  const lastImports = useRef<Place>({ route: allImports, position: firstPage });
  if (route.view === 'imports') lastImports.current = { route, position };

  const shown = !session ? 'login' : 'id' in route ? route.id : route.view;
  const shownBefore = useRef(shown);
  // A changed view is read from its top, by eye and by screen reader; the login puts the focus on its own field.
  useEffect(() => {
    if (shownBefore.current !== shown && shown !== 'login') {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    shownBefore.current = shown;
  }, [shown]);

  function logOut() {
    end();
    // Whoever logs in next does not begin with this reader's filters.
    go(allClaims, firstPage, 'replaceState');
  }

  const backTo = (place: Place, name: string) => (
    <a
      href={formatHash(place.route)}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(place.route, place.position);
      }}
    >
      ← {name}
    </a>
  );

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href={formatHash(allClaims)}>
          Claims API
        </a>
        <nav aria-label="Views">
          {session && (
            <>
              <a href={formatHash(allClaims)} aria-current={route.view === 'claims' ? 'page' : undefined}>
                Claims
              </a>
              <a href="#/imports" aria-current={route.view === 'imports' ? 'page' : undefined}>
                Imports
              </a>
            </>
          )}
          <a href="/docs">API reference</a>
        </nav>
        {session && (
          <div class="who">
            <span title="Logged in">{session.username}</span>
            <button type="button" onClick={logOut}>
              Log out
            </button>
          </div>
        )}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {!session ? (
          <Login api={api} notice={notice} loggedIn={begin} />
        ) : route.view === 'claims' ? (
          <ClaimList
            api={api}
            route={route}
            position={position}
            go={(wanted, to) => go({ view: 'claims', ...wanted }, to)}
          />
        ) : route.view === 'claim' ? (
          <ClaimDetail key={route.id} api={api} id={route.id} back={backTo(lastList.current, 'Claims')} />
        ) : route.view === 'imports' ? (
          <ImportList api={api} position={position} go={(to) => go({ view: 'imports', cursor: to.cursor }, to)} />
        ) : route.view === 'import' ? (
          <ImportDetail
            key={route.id}
            api={api}
            route={route}
            position={position}
            go={(wanted, to) => go({ view: 'import', ...wanted }, to)}
            back={backTo(lastImports.current, 'Imports')}
          />
        ) : (
          <>
            <h1>There is no such page</h1>
            <p>
              The address may be cut short. <a href={formatHash(allClaims)}>Go to the claims</a>
            </p>
          </>
        )}
      </main>
    </>
  );
}
