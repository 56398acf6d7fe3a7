import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, type StatusObject } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../control-plane/src/envoy-api/gen/envoy/service/discovery/v3/discovery_pb.js";
import { type ResourceType, resourceTypeOf, TYPE_URLS } from "../control-plane/src/model/resource.js";

/** A response as the client got it. */
export interface ReceivedResponse {
  readonly type: ResourceType;
  readonly nonce: string;
  /** Version by name. */
  readonly versions: ReadonlyMap<string, string>;
  /** The message in the Any, by name. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  readonly removed: readonly string[];
  readonly sizeBytes: number;
}

/** PEM: roots of the server's certificate, and the client's own key and chain. */
export interface ClientTls {
  readonly rootCert: string;
  readonly privateKey?: string;
  readonly certificateChain?: string;
}

export interface XdsClientOptions {
  readonly port: number;
  /** Without it the connection is plaintext. */
  readonly tls?: ClientTls;
  /** The name that the server's certificate must have. Default: `localhost`. */
  readonly serverName?: string;
  readonly nodeId?: string;
  /** Acknowledge every response at once. Default: true. */
  readonly acknowledge?: boolean;
}

export interface XdsRequest {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initialResourceVersions?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

/** An incremental aggregated client that does what it is told and records what it gets. */
export interface XdsClient {
  readonly responses: readonly ReceivedResponse[];
  /** What the client holds now: versions by `type/name`. */
  readonly held: ReadonlyMap<string, string>;
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  request(type: ResourceType, request?: XdsRequest): void;
  ack(response: ReceivedResponse): void;
  nack(response: ReceivedResponse, message: string): void;
  /** The first response, past or future, that is accepted; it then counts as taken and is not returned again. */
  next(type: ResourceType): Promise<ReceivedResponse>;
  /** Stops and restarts reading, as a slow client does. */
  pause(): void;
  resume(): void;
  close(): void;
}

const passThrough = (bytes: Buffer): Buffer => bytes;
/** How long `next` waits. Generous: machines are slow and shared. */
const NEXT_TIMEOUT_MS = 60_000;

const tlsCredentials = ({ rootCert, privateKey, certificateChain }: ClientTls) =>
  credentials.createSsl(
    Buffer.from(rootCert),
    privateKey === undefined ? null : Buffer.from(privateKey),
    certificateChain === undefined ? null : Buffer.from(certificateChain),
  );

export function createXdsClient(options: XdsClientOptions): XdsClient {
  const { port, tls, serverName = "localhost", acknowledge = true } = options;
  const channel = new Client(
    `127.0.0.1:${port}`,
    tls === undefined ? credentials.createInsecure() : tlsCredentials(tls),
    {
      ...(tls === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
      "grpc.default_authority": serverName,
      "grpc.max_receive_message_length": 256 * 1024 * 1024,
      "grpc.use_local_subchannel_pool": 1,
    },
  );
  const call: ClientDuplexStream<Buffer, Buffer> = channel.makeBidiStreamRequest(
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    passThrough,
    passThrough,
  );
  const responses: ReceivedResponse[] = [];
  const untaken: ReceivedResponse[] = [];
  const held = new Map<string, string>();
  const waiters = new Set<() => void>();
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter();
  };
  let status: StatusObject | undefined;
  let first = true;
  const ended = new Promise<StatusObject>((resolve) => {
    call.on("status", (value: StatusObject) => {
      status = value;
      resolve(value);
      wake();
    });
  });
  // The status says the same.
  call.on("error", () => {});

  const request = (type: ResourceType, { subscribe, unsubscribe, ...rest }: XdsRequest = {}): void => {
    const message = create(DeltaDiscoveryRequestSchema, {
      typeUrl: TYPE_URLS[type],
      resourceNamesSubscribe: [...(subscribe ?? [])],
      resourceNamesUnsubscribe: [...(unsubscribe ?? [])],
      initialResourceVersions: { ...rest.initialResourceVersions },
      responseNonce: rest.nonce ?? "",
      ...(first ? { node: { id: options.nodeId ?? "test" } } : {}),
      ...(rest.error === undefined ? {} : { errorDetail: { code: 13, message: rest.error } }),
    });
    first = false;
    call.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)));
  };

  const ack = (response: ReceivedResponse): void => {
    for (const [name, version] of response.versions) held.set(`${response.type}/${name}`, version);
    for (const name of response.removed) held.delete(`${response.type}/${name}`);
    request(response.type, { nonce: response.nonce });
  };

  call.on("data", (message: Buffer) => {
    const { typeUrl, nonce, resources, removedResources } = fromBinary(
      DeltaDiscoveryResponseSchema,
      new Uint8Array(message),
    );
    const type = resourceTypeOf(typeUrl);
    if (type === undefined) throw new Error(`a response of an unknown type: ${typeUrl}`);
    const response: ReceivedResponse = {
      type,
      nonce,
      versions: new Map(resources.map((resource) => [resource.name, resource.version])),
      bytes: new Map(resources.map(({ name, resource }) => [name, resource?.value ?? new Uint8Array()])),
      removed: removedResources,
      sizeBytes: message.length,
    };
    responses.push(response);
    untaken.push(response);
    if (acknowledge) ack(response);
    wake();
  });

  const next = (type: ResourceType): Promise<ReceivedResponse> =>
    new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        waiters.delete(look);
      };
      const look = (): void => {
        const index = untaken.findIndex((response) => response.type === type);
        const found = untaken[index];
        if (found === undefined && status === undefined) return;
        finish();
        if (found === undefined) {
          reject(new Error(`the stream ended: ${status?.code} ${status?.details}`));
          return;
        }
        untaken.splice(index, 1);
        resolve(found);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`no response of type ${type} within ${NEXT_TIMEOUT_MS} ms`));
      }, NEXT_TIMEOUT_MS);
      waiters.add(look);
      look();
    });

  return {
    responses,
    held,
    ended,
    request,
    ack,
    nack: (response, error) => request(response.type, { nonce: response.nonce, error }),
    next,
    pause: () => call.pause(),
    resume: () => call.resume(),
    close: () => {
      call.cancel();
      channel.close();
    },
  };
}
