import { Action, CounterFamily, HttpContext, node, RootContext, registerRoot } from "@weft/sdk";
import { Config } from "./config";
import { Identity } from "./identity";
import { LiveRequest } from "./live-request";
import { DecidingRule, Decision, decide, rulesFor } from "./rules";

/* One for the whole module: a series is defined once, however often the configuration changes. */
const decisions = new CounterFamily("weft_canary_decisions_total", ["rule", "subset"]);

class CanaryRoot extends RootContext<Config> {
  rules: DecidingRule[] = [];

  onConfigure(): bool {
    const rules = rulesFor(this.config, identityFor(this.config));
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i];
      for (let k = 0; k < rule.outcomes.length; k++) {
        rule.counters.push(decisions.with([rule.rule.name, rule.outcomes[k]]));
      }
    }
    this.rules = rules;
    return true;
  }
}

/* The labels that some rule asks for are read, no others. */
function identityFor(config: Config): Identity {
  const workload = node.workload;
  const identity = workload === null ? new Identity("", "") : new Identity(workload.name, workload.namespace);
  for (let i = 0; i < config.rules.length; i++) {
    const match = config.rules[i].match;
    for (let k = 0; k < match.length; k++) {
      const names = match[k].source.labels.keys();
      for (let n = 0; n < names.length; n++) {
        const value = node.label(names[n]);
        if (value !== null) identity.labels.set(names[n], value);
      }
    }
  }
  return identity;
}

class Canary extends HttpContext<Config> {
  private decision: Decision | null = null;

  onRequestHeaders(endOfStream: bool): Action {
    const rules = (this.root as CanaryRoot).rules;
    if (rules.length == 0) return Action.Continue;
    const decision = decide(rules, new LiveRequest(this.request.headers));
    if (decision === null) return Action.Continue;
    this.decision = decision;
    const subset = decision.subset;
    if (subset !== null) this.route.subset = subset;
    decision.rule.counters[decision.outcome].increment();
    return Action.Continue;
  }

  onResponseHeaders(endOfStream: bool): Action {
    const decision = this.decision;
    if (decision === null) return Action.Continue;
    const rule = decision.rule;
    const newKey = decision.newKey;
    if (newKey !== null) this.response.headers.add("set-cookie", rule.rule.pin.setCookie(newKey));
    const debugHeader = this.config.debugHeader;
    if (debugHeader != "")
      this.response.headers.set(debugHeader, rule.rule.name + "/" + rule.outcomes[decision.outcome]);
    return Action.Continue;
  }
}

registerRoot<Canary, CanaryRoot>("canary");
