import { useEffect, useRef, useState } from 'preact/hooks';
import { type Api, type LoginAnswer, Problem } from './api.ts';

interface LoginProps {
  api: Api;
  notice: string | undefined;
  loggedIn(username: string, answer: LoginAnswer): void;
}

export function Login({ api, notice, loggedIn }: LoginProps) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  const usernameInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = 'Log in – Claims';
    usernameInput.current?.focus();
  }, []);

  async function submit(event: Event) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setTrouble(undefined);
    try {
      loggedIn(username, await api.login(username, password));
    } catch (error) {
      setTrouble(error instanceof Problem ? error.sentence : 'The login failed.');
      setPassword('');
      setBusy(false);
      passwordInput.current?.focus();
    }
  }

  return (
    <form class="login" onSubmit={submit}>
      <h1>Log in</h1>
      {notice !== undefined && trouble === undefined && (
        <p class="notice" role="status">
          {notice}
        </p>
      )}
      <label for="username">Username</label>
      <input
        id="username"
        name="username"
        ref={usernameInput}
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        value={username}
        onInput={(event) => setUsername(event.currentTarget.value)}
      />
      <label for="password">Password</label>
      <input
        id="password"
        name="password"
        ref={passwordInput}
        type="password"
        autocomplete="current-password"
        required
        value={password}
        aria-describedby={trouble === undefined ? undefined : 'login-trouble'}
        onInput={(event) => setPassword(event.currentTarget.value)}
      />
      {trouble !== undefined && (
        <p class="trouble" role="alert" id="login-trouble">
          {trouble}
        </p>
      )}
      <button type="submit" class="primary" aria-disabled={busy}>
        {busy ? 'Logging in…' : 'Log in'}
      </button>
    </form>
  );
}
