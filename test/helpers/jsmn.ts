import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './tools.ts';

/** What Rumprun reads its configuration with: prints the tokens of each text as strict JSON, or `refused`. Texts end with a zero, there and here. */
const SOURCE = `
#include <jsmn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[1 << 20];
static jsmntok_t tokens[1 << 16];
static const char *at;

static int value(int i);

static int members(int i, int *first) {
  int next = i + 1;
  for (int left = tokens[i].size; left > 0; left--) {
    if (tokens[next].type == JSMN_OBJECT) {
      next = members(next, first);
      continue;
    }
    if (tokens[next].type != JSMN_STRING || tokens[next].size != 1) {
      printf("misread");
      return next + 1;
    }
    printf("%s\\"%.*s\\":", *first ? "" : ",", tokens[next].end - tokens[next].start, at + tokens[next].start);
    *first = 0;
    next = value(next + 1);
  }
  return next;
}

static int value(int i) {
  int next = i + 1, first = 1;
  if (tokens[i].type == JSMN_OBJECT) {
    putchar('{');
    next = members(i, &first);
    putchar('}');
  } else if (tokens[i].type == JSMN_ARRAY) {
    putchar('[');
    for (int n = 0; n < tokens[i].size; n++) {
      if (n > 0) putchar(',');
      next = value(next);
    }
    putchar(']');
  } else {
    printf("\\"%.*s\\"", tokens[i].end - tokens[i].start, at + tokens[i].start);
  }
  return next;
}

int main(void) {
  size_t size = fread(text, 1, sizeof text - 1, stdin);
  for (at = text; at < text + size; at += strlen(at) + 1) {
    jsmn_parser parser;
    const char *brace = strchr(at, '{');
    if (brace != NULL) at = brace;
    jsmn_init(&parser);
    if (brace == NULL || jsmn_parse(&parser, at, strlen(at), tokens, 1 << 16) < 1) printf("refused");
    else value(0);
    putchar(0);
  }
  return 0;
}
`;

/** Has jsmn read texts, and returns what it makes of each. */
export function readByJsmn(texts: readonly string[], directory: string): string[] {
  writeFileSync(join(directory, 'jsmn.c'), SOURCE);
  run('gcc', ['-O1', '-o', 'jsmn', 'jsmn.c'], { cwd: directory });
  const printed = run(join(directory, 'jsmn'), [], { input: Buffer.from(texts.map((text) => `${text}\0`).join('')) });
  return printed.toString().split('\0').slice(0, -1);
}
