import type { ReadStream } from "node:tty";
import { Interrupted } from "../mesh/interrupt.js";

const MAX_LENGTH = 1024;

/** Asks for a line in a terminal without showing what is typed. Ctrl-C and Ctrl-D give up. */
export function readPassword(
  prompt: string,
  input: Pick<ReadStream, "setRawMode" | "on" | "off" | "pause" | "resume">,
  output: { write(text: string): unknown },
): Promise<string> {
  // In raw mode nothing is echoed, and all keys are ours to understand; before the prompt, for people type fast.
  input.setRawMode(true);
  output.write(prompt);
  return new Promise((done, fail) => {
    let typed = "";
    const end = (finish: () => void): void => {
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
      output.write("\n");
      finish();
    };
    const decoder = new TextDecoder();
    const onData = (data: Buffer): void => {
      for (const character of decoder.decode(data, { stream: true })) {
        if (character === "\r" || character === "\n") {
          end(() => done(typed));
          return;
        }
        if (character === "\u0003" || character === "\u0004") {
          end(() => fail(new Interrupted("given up")));
          return;
        }
        if (character === "\u007f" || character === "\b") typed = [...typed].slice(0, -1).join("");
        else if (character >= " " && typed.length < MAX_LENGTH) typed += character;
      }
    };
    input.on("data", onData);
    input.resume();
  });
}
