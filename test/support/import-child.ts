import pino from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { importLines } from '../../src/import/import.ts';
import { openSource } from '../../src/import/source.ts';

// An import in a process of its own, to be killed: node --import tsx import-child.ts URL FILE. Prints its progress.
const [url, file] = process.argv.slice(2);
const { database: config } = readConfig({ DATABASE_URL: url });
const database = await openDatabase(config, pino({ level: 'silent' }));
const source = await openSource(file!);
await importLines(database, source.stream, {
  batchLines: 20,
  onProgress: ({ lines }) => process.stdout.write(`${lines}\n`),
});
await database.close();
