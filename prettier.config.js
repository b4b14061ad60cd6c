/** @type {import('prettier').Config} */
export default {
  printWidth: 100,
  singleQuote: true,
  // The examples of README are short enough to be read as they stand.
  overrides: [{ files: 'README.md', options: { embeddedLanguageFormatting: 'off' } }],
};
