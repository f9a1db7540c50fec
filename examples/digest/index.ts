import { digest, parse, type Digest } from "./digest";

export const handler = async (event: unknown): Promise<Digest> => {
  const day = parse(event);
  console.log("%s has %d events", day.day, day.events.length);
  return digest(day);
};
