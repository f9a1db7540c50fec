// The hook in the thread that older versions run hooks in.
import resolving from './resolve.js';

let folders = [];

export async function initialize(data) {
  folders = data.folders;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    for (const attempt of resolving.fallback(folders, specifier, context, error)) {
      try {
        return await next(...attempt);
      } catch {} // it is not in this one
    }
    throw error;
  }
}
