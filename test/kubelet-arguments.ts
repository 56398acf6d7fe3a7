/**
 * The arguments of a container as the kubelet expands them: `$(NAME)` of a known variable is its value, `$$` is a dollar,
 * and all else stays. https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
 */
export function expandArguments(args: readonly string[], environment: Readonly<Record<string, string>>): string[] {
  return args.map((arg) =>
    arg.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) =>
      name === undefined ? "$" : (environment[name] ?? all),
    ),
  );
}
