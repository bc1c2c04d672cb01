package dev.oms.http;

import io.quarkus.micrometer.runtime.binder.vertx.HttpRequestMetric;
import io.quarkus.vertx.http.runtime.ExtendedQuarkusVertxHttpMetrics;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.datagram.DatagramSocketOptions;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.spi.metrics.ClientMetrics;
import io.vertx.core.spi.metrics.DatagramSocketMetrics;
import io.vertx.core.spi.metrics.EventBusMetrics;
import io.vertx.core.spi.metrics.HttpClientMetrics;
import io.vertx.core.spi.metrics.HttpServerMetrics;
import io.vertx.core.spi.metrics.PoolMetrics;
import io.vertx.core.spi.metrics.TCPMetrics;
import io.vertx.core.spi.metrics.VertxMetrics;
import io.vertx.core.spi.observability.HttpRequest;
import io.vertx.core.spi.observability.HttpResponse;
import java.util.function.Consumer;

/**
 * Forwards everything to the metrics of Quarkus, and tells of every request of a server that begins. A call is counted
 * once.
 */
record ForwardMetrics(VertxMetrics quarkus, Consumer<HttpRequest> begun)
        implements VertxMetrics, ExtendedQuarkusVertxHttpMetrics {
    /** Quarkus asks the metrics for it. */
    @Override
    public ConnectionTracker getHttpConnectionTracker() {
        return quarkus instanceof ExtendedQuarkusVertxHttpMetrics extended
                ? extended.getHttpConnectionTracker()
                : NOOP_CONNECTION_TRACKER;
    }

    @Override
    public HttpServerMetrics<?, ?, ?> createHttpServerMetrics(HttpServerOptions options, SocketAddress address) {
        HttpServerMetrics<?, ?, ?> metrics = quarkus.createHttpServerMetrics(options, address);
        return metrics == null ? null : new OfServer<>(metrics, begun);
    }

    /** For Quarkus, a call without a response would lack the labels that are added, which Prometheus refuses. */
    private record Unanswered() implements HttpResponse {
        @Override
        public int statusCode() {
            return 400;
        }

        @Override
        public MultiMap headers() {
            return MultiMap.caseInsensitiveMultiMap();
        }
    }

    private record OfServer<R, W, S>(HttpServerMetrics<R, W, S> quarkus, Consumer<HttpRequest> begun)
            implements HttpServerMetrics<R, W, S> {
        @Override
        public R requestBegin(S socket, HttpRequest request) {
            begun.accept(request);
            return quarkus.requestBegin(socket, request);
        }

        @Override
        public void requestEnd(R metric, HttpRequest request, long bytes) {
            quarkus.requestEnd(metric, request, bytes);
        }

        /**
         * A response that was cut off has the status that its client was sent; a call whose client hung up before it
         * had an answer has 400, and all the labels of others.
         */
        @Override
        public void requestReset(R metric) {
            if (!(metric instanceof HttpRequestMetric call)) {
                quarkus.requestReset(metric);
            } else if (call.request().response() instanceof HttpResponse response
                    && call.request().response().headWritten()) {
                responseEnd(metric, response, call.request().response().bytesWritten());
            } else {
                responseEnd(metric, new Unanswered(), 0);
            }
        }

        @Override
        public void requestRouted(R metric, String route) {
            quarkus.requestRouted(metric, route);
        }

        @Override
        public void responseBegin(R metric, HttpResponse response) {
            quarkus.responseBegin(metric, response);
        }

        @Override
        public R responsePushed(S socket, HttpMethod method, String uri, HttpResponse response) {
            return quarkus.responsePushed(socket, method, uri, response);
        }

        @Override
        public void responseEnd(R metric, HttpResponse response, long bytes) {
            countOnce(metric, () -> quarkus.responseEnd(metric, response, bytes));
        }

        /**
         * Vert.x may tell of the end of a call twice: when reading fails and when the connection is closed, or when its
         * response is complete and when the stream is closed because its body is not.
         */
        private void countOnce(R metric, Runnable count) {
            if (!(metric instanceof HttpRequestMetric call)) {
                count.run();
            } else if (call.getSample() != null) {
                count.run();
                call.setSample(null);
            }
        }

        @Override
        public W connected(S socket, R metric, ServerWebSocket webSocket) {
            return quarkus.connected(socket, metric, webSocket);
        }

        @Override
        public void disconnected(W webSocket) {
            quarkus.disconnected(webSocket);
        }

        @Override
        public S connected(SocketAddress address, String name) {
            return quarkus.connected(address, name);
        }

        @Override
        public void disconnected(S socket, SocketAddress address) {
            quarkus.disconnected(socket, address);
        }

        @Override
        public void bytesRead(S socket, SocketAddress address, long bytes) {
            quarkus.bytesRead(socket, address, bytes);
        }

        @Override
        public void bytesWritten(S socket, SocketAddress address, long bytes) {
            quarkus.bytesWritten(socket, address, bytes);
        }

        @Override
        public void exceptionOccurred(S socket, SocketAddress address, Throwable failure) {
            quarkus.exceptionOccurred(socket, address, failure);
        }

        @Override
        public void close() {
            quarkus.close();
        }
    }

    @Override
    public EventBusMetrics<?> createEventBusMetrics() {
        return quarkus.createEventBusMetrics();
    }

    @Override
    public ClientMetrics<?, ?, ?, ?> createClientMetrics(SocketAddress address, String type, String namespace) {
        return quarkus.createClientMetrics(address, type, namespace);
    }

    @Override
    public HttpClientMetrics<?, ?, ?, ?> createHttpClientMetrics(HttpClientOptions options) {
        return quarkus.createHttpClientMetrics(options);
    }

    @Override
    public TCPMetrics<?> createNetServerMetrics(NetServerOptions options, SocketAddress address) {
        return quarkus.createNetServerMetrics(options, address);
    }

    @Override
    public TCPMetrics<?> createNetClientMetrics(NetClientOptions options) {
        return quarkus.createNetClientMetrics(options);
    }

    @Override
    public DatagramSocketMetrics createDatagramSocketMetrics(DatagramSocketOptions options) {
        return quarkus.createDatagramSocketMetrics(options);
    }

    @Override
    public PoolMetrics<?> createPoolMetrics(String type, String name, int size) {
        return quarkus.createPoolMetrics(type, name, size);
    }

    @Override
    public void vertxCreated(Vertx vertx) {
        quarkus.vertxCreated(vertx);
    }

    @Override
    public boolean isMetricsEnabled() {
        return quarkus.isMetricsEnabled();
    }

    @Override
    public void close() {
        quarkus.close();
    }
}
