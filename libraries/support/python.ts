import { fileURLToPath } from 'node:url';

/** The Python in which scripts/setup-libraries installs requirements.txt. */
export const PYTHON = process.env.VESTIBULE_PYTHON ?? fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
