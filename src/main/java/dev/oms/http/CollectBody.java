package dev.oms.http;

import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Stream;
import io.quarkus.arc.All;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Collects the body of a request on the event loop; only then is the call admitted and given a thread. So a body that
 * never comes costs memory and no thread, and reading JSON never waits for the network.
 *
 * <p>A client that hangs up before its body is complete gets nothing; its call counts as 400 ({@link HttpMetrics}).
 *
 * <p>A body that is larger than its {@link BodyLimit} is refused with 413, one that is not complete in time with 408,
 * one for which there is no {@link BodyMemory} with 503, and one in HTTP/2 that has trailers but no
 * {@code Content-Length} with 411. The rest of such a body is not read.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9">RFC 9110 §15.5.9, 408 Request Timeout</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.12">RFC 9110 §15.5.12, 411 Length Required</a>
 */
@ApplicationScoped
public class CollectBody {
    /**
     * Far more than a client that sends each token in its own chunk needs; without a limit each chunk could be a byte.
     */
    private static final int PARTS_MAX = 4_096;

    private static final Logger LOG = Logger.getLogger(CollectBody.class);
    private static final String HAS_BODY = CollectBody.class.getName();

    private final Map<String, Integer> maxBytes;
    private final BodyMemory memory;
    private final WriteProblem writeProblem;
    private final Duration timeout;

    CollectBody(
            @All List<BodyLimit> limits,
            BodyMemory memory,
            WriteProblem writeProblem,
            @ConfigProperty(name = "quarkus.http.read-timeout") Duration timeout) {
        this.maxBytes = limits.stream().collect(Collectors.toMap(BodyLimit::path, BodyLimit::maxBytes));
        this.memory = memory;
        this.writeProblem = writeProblem;
        this.timeout = timeout;
    }

    void install(@Observes Filters filters) {
        filters.register(this::collect, FilterOrder.COLLECT_BODY.priority());
    }

    private void collect(RoutingContext call) {
        HttpServerRequest request = call.request();
        if (hasBody(call)) {
            String path = call.normalizedPath();
            String resource = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
            new Body(call, maxBytes.getOrDefault(resource, BodyLimit.DEFAULT_BYTES)).collect();
            return;
        }
        if (request.version() == HttpVersion.HTTP_2) {
            // Keeps RESTEasy Reactive from waiting for a body whose length was not declared.
            set(call, Buffer.buffer());
        }
        call.next();
    }

    /**
     * Whether a body follows the headers. To be asked before anything waits: an HTTP/2 stream tells it only until the
     * whole body has arrived.
     */
    public static boolean hasBody(RoutingContext call) {
        Boolean known = call.get(HAS_BODY);
        if (known == null) {
            known = hasBody(call.request());
            call.put(HAS_BODY, known);
        }
        return known;
    }

    private static boolean hasBody(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        if (length != null) {
            return !length.equals("0");
        }
        return request.version() == HttpVersion.HTTP_2
                ? isOpen(request)
                : request.headers().contains(HttpHeaders.TRANSFER_ENCODING);
    }

    /** Whether the client may still send on an HTTP/2 stream. Vert.x tells this only after the call has begun. */
    private static boolean isOpen(HttpServerRequest request) {
        Http2Stream stream = ((ConnectionBase) request.connection())
                .channel().pipeline().get(Http2ConnectionHandler.class).connection().stream(request.streamId());
        return stream != null && stream.state().remoteSideOpen();
    }

    /** RESTEasy Reactive looks here before it reads from the connection. */
    private static void set(RoutingContext call, Buffer body) {
        ((RoutingContextInternal) call).setBody(body);
    }

    /**
     * The body of one call. Used by the call's event loop only.
     *
     * <p>RESTEasy Reactive cannot process an HTTP/2 request whose end has been delivered. So the call must go on when
     * the whole body has been delivered and its end has not. Without a {@code Content-Length} the body is therefore
     * fetched part by part.
     */
    private final class Body {
        private final RoutingContext call;
        private final int maxBytes;
        private Buffer bytes;
        private int reserved;
        private int parts;
        /** Not 0, which is the id of a timer that somebody has. */
        private long timer = -1;

        private int http2Length = -1;
        private boolean isFetched;
        private boolean done;

        Body(RoutingContext call, int maxBytes) {
            this.call = call;
            this.maxBytes = maxBytes;
        }

        void collect() {
            HttpServerRequest request = call.request();
            String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
            if (length != null && Long.parseLong(length) > maxBytes) {
                refuseAsTooLarge();
                return;
            }
            if (request.version() == HttpVersion.HTTP_2) {
                isFetched = length == null;
                http2Length = isFetched ? -1 : Integer.parseInt(length);
            }
            timer = call.vertx().setTimer(timeout.toMillis(), expired -> refuseAsLate());
            // Resuming may deliver the whole body at once, so the handlers come first.
            request.pause();
            request.handler(part -> {
                add(part);
                if (isFetched) {
                    // Later, because the stream is still open while its last part is delivered.
                    call.vertx().runOnContext(delivered -> fetch());
                }
            });
            request.endHandler(ended -> {
                if (isFetched) {
                    refuseTrailers();
                } else {
                    complete();
                }
            });
            request.exceptionHandler(disconnected -> {
                if (!done) {
                    LOG.debugf(
                            "%s %s: the client hung up before its body was complete", request.method(), request.path());
                }
                end();
            });
            if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
                call.response().writeContinue();
            }
            if (isFetched) {
                request.fetch(1);
            } else {
                request.resume();
            }
        }

        /** Fetches the next part, unless what comes next is the end. */
        private void fetch() {
            if (done) {
                return;
            }
            if (isOpen(call.request()) || call.request().bytesRead() > reserved) {
                call.request().fetch(1);
            } else {
                complete();
            }
        }

        private void add(Buffer part) {
            // In HTTP/2 a part may be empty.
            if (done || part.length() == 0) {
                return;
            }
            int received = reserved + part.length();
            if (received > maxBytes) {
                refuseAsTooLarge();
            } else if (++parts > PARTS_MAX) {
                end();
                writeProblem.write(
                        call, Problem.of(413, "The body comes in more than %,d chunks.".formatted(PARTS_MAX)));
            } else if (!memory.reserve(part.length())) {
                end();
                writeProblem.write(
                        call, Problem.of(503, "Too many bodies are being received; nothing was changed. Try again."));
            } else {
                if (reserved == 0) {
                    call.addEndHandler(ended -> memory.release(reserved));
                }
                reserved = received;
                // Most bodies come in one part, which needs no copy.
                bytes = bytes == null ? part : bytes.appendBuffer(part);
                if (reserved == http2Length) {
                    complete();
                }
            }
        }

        private void complete() {
            if (!done) {
                end();
                set(call, bytes == null ? Buffer.buffer() : bytes);
                call.next();
            }
        }

        /** Only the end that comes with trailers is delivered instead of a part. */
        private void refuseTrailers() {
            if (!done) {
                end();
                writeProblem.write(call, Problem.of(411, "A body with trailers needs a Content-Length in HTTP/2."));
            }
        }

        private void refuseAsTooLarge() {
            end();
            writeProblem.write(call, Problem.of(413, "The body is larger than %,d bytes.".formatted(maxBytes)));
        }

        private void refuseAsLate() {
            end();
            writeProblem.write(
                    call, Problem.of(408, "The body was not complete within %d s.".formatted(timeout.toSeconds())));
        }

        private void end() {
            done = true;
            call.vertx().cancelTimer(timer);
        }
    }
}
