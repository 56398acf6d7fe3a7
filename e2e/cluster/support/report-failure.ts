import { beforeEach } from "vitest";
import { report } from "./cluster.js";

beforeEach(({ onTestFailed }) => {
  onTestFailed(async ({ task }) => console.error(`the cluster when "${task.name}" failed:\n${await report()}`));
});
