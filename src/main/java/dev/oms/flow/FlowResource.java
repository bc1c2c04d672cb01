package dev.oms.flow;

import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.http.AdmitCalls;
import dev.oms.http.LimitReceiving;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.mutiny.Multi;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import java.time.Duration;

/**
 * {@code /flow}: sends a snapshot of the order flow to every listener once a second.
 *
 * @see <a href="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering">nginx, proxy_buffering</a>
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
@Path("/flow")
class FlowResource {
    private static final Duration RECONNECT_AFTER = Duration.ofSeconds(2);

    /** For nginx and those that follow it. */
    private static final CharSequence UNBUFFERED = HttpHeaders.createOptimized("x-accel-buffering");

    private final FlowStream flows;
    private final AdmitCalls admitCalls;
    private final Callers callers;

    FlowResource(FlowStream flows, AdmitCalls admitCalls, Callers callers) {
        this.callers = callers;
        this.flows = flows;
        this.admitCalls = admitCalls;
    }

    @GET
    @Produces(MediaType.SERVER_SENT_EVENTS)
    @PermissionsAllowed(Scopes.JOBS_READ)
    public Multi<OutboundSseEvent> listen(@Context Sse sse, RoutingContext call) {
        HttpServerResponse response = call.response();
        // Through a proxy each event comes at once, instead of several when the proxy's buffer is full.
        response.putHeader(UNBUFFERED, "no").putHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        FlowStream.Listener listener = flows.add(
                callers.current()
                        .keyOr(String.valueOf(call.request().remoteAddress().hostAddress())),
                () -> LimitReceiving.isOver(call),
                () -> LimitReceiving.disconnect(call));
        admitCalls.leave(call);
        // Clients connect again, and need a key or token that is still valid.
        return listener.flows()
                .select()
                .first(callers.timeLeft(FlowStream.LISTEN_MAX))
                .onItem()
                .transformToMultiAndConcatenate(new Events(sse)::of);
    }

    /** The events of one listener: turns each flow into what it has not received yet. */
    private static final class Events {
        private final Sse sse;
        private Flow lastFlow;

        /** The start of the last bucket sent. */
        private long sentUpTo;

        Events(Sse sse) {
            this.sse = sse;
        }

        Multi<OutboundSseEvent> of(Flow flow) {
            if (flow == lastFlow) {
                // The flow sent on connect is also this second's; do not send it twice.
                return Multi.createFrom().empty();
            }
            if (lastFlow != null) {
                lastFlow = flow;
                return Multi.createFrom().item(state(flow));
            }
            lastFlow = flow;
            OutboundSseEvent history = sse.newEventBuilder()
                    .reconnectDelay(RECONNECT_AFTER.toMillis())
                    .name("history")
                    .data(flow.history())
                    .build();
            sentUpTo = flow.lastBucket(sentUpTo);
            return Multi.createFrom().items(history, state(flow));
        }

        private OutboundSseEvent state(Flow flow) {
            String state = flow.state(sentUpTo);
            sentUpTo = flow.lastBucket(sentUpTo);
            return sse.newEvent("flow", state);
        }
    }
}
