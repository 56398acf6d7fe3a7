/* HTTP callouts and gRPC. */
import "./grpc";
import "./http";
