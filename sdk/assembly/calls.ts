/* Calls that wait for their answer, each on behalf of the context that made it. */
import { current, switchTo } from "./abi/boundary";
import { setEffectiveContext } from "./host/context";
import { Status } from "./host/status";
import { Entry, IdTable } from "./id-table";
import { anyContext } from "./live";

export abstract class Call extends Entry {
  owner: u32 = 0;
}

const calls = new IdTable();

export function addCall(token: u32, call: Call, owner: u32 = current): void {
  call.owner = owner;
  calls.set(token, call);
}

export function removeCall(token: u32): void {
  calls.delete(token);
}

/** The call with this token, once what follows is about its owner; null where the owner is gone. */
export function enterCall(token: u32): Call | null {
  const call = changetype<Call | null>(calls.get(token));
  if (call === null) return null;
  const owner = call.owner;
  if (anyContext(owner) === null || setEffectiveContext(owner) != Status.Ok) return null;
  switchTo(owner);
  return call;
}
