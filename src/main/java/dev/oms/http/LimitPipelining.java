package dev.oms.http;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * Closes an HTTP/1.1 connection on which a client pipelines more than a few requests. The HTTP server would keep any
 * number of them in memory until the first one is answered.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2">RFC 9112 §9.3.2, Pipelining: the client must be
 *     ready to send them again</a>
 */
final class LimitPipelining extends ChannelDuplexHandler {
    /** The requests of a connection that may be unanswered; few clients ever have a second one. */
    private static final int UNANSWERED_MAX = 8;

    private static final String NAME = "limitPipelining";

    /** The request that the connection begins with has arrived before this handler. */
    private int unanswered = 1;

    private LimitPipelining() {}

    /** To be called for every request, on its event loop; the first one of a connection installs the limit. */
    static void install(HttpServerRequest request) {
        if (request.version() != HttpVersion.HTTP_2 && request.connection() instanceof ConnectionBase connection) {
            ChannelPipeline pipeline = connection.channel().pipeline();
            if (pipeline.get(NAME) == null && pipeline.get("handler") != null) {
                pipeline.addBefore("handler", NAME, new LimitPipelining());
            }
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (message instanceof HttpRequest && ++unanswered > UNANSWERED_MAX) {
            context.close();
        }
        if (unanswered > UNANSWERED_MAX) {
            ReferenceCountUtil.release(message);
        } else {
            super.channelRead(context, message);
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        boolean isInterim =
                message instanceof HttpResponse response && response.status().equals(HttpResponseStatus.CONTINUE);
        if (message instanceof LastHttpContent && !isInterim) {
            unanswered--;
        }
        super.write(context, message, promise);
    }
}
