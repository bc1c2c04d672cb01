package dev.oms.job;

import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.http.Actor;
import dev.oms.http.Bodies;
import dev.oms.http.Page;
import dev.oms.http.RedisProblem;
import dev.oms.job.FailedJob.FailedJobView;
import dev.oms.job.Workers.Reconciliation;
import dev.oms.job.Workers.Worker;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;
import java.util.Objects;
import org.jboss.logging.Logger;

/** {@code /jobs}: shows an operator the state of the stream, and retries or drops failed jobs. */
@RunOnVirtualThread
@Path("/jobs")
class JobResource {
    /** There may be thousands of failed jobs. */
    private static final int RETRY_ALL_UNITS = 100;

    private static final Logger LOG = Logger.getLogger(JobResource.class);

    private final InventoryJobQueue queue;
    private final Workers workers;
    private final ProbeRedis probeRedis;
    private final FailedJobs failedJobs;
    private final RetryJob retryJob;
    private final DropJob dropJob;
    private final Callers callers;

    JobResource(
            InventoryJobQueue queue,
            Workers workers,
            ProbeRedis probeRedis,
            FailedJobs failedJobs,
            RetryJob retryJob,
            DropJob dropJob,
            Callers callers) {
        this.queue = queue;
        this.workers = workers;
        this.probeRedis = probeRedis;
        this.failedJobs = failedJobs;
        this.retryJob = retryJob;
        this.dropJob = dropJob;
        this.callers = callers;
    }

    /**
     * The state of the jobs. Everything but {@code failed}, {@code dead} and the problem comes from Redis, and is null
     * while {@code redis} is false: it does not answer, or not with a stream.
     *
     * @param redisProblem why workers cannot use Redis, although it may answer; null if they can
     * @param depth the number of jobs in the stream, delivered to a worker or not
     * @param oldestAgeSeconds how long the oldest job has been in the stream, 0 if it is empty
     * @param inFlight the number of jobs delivered to a worker and not acknowledged
     * @param settled the number of orders that these workers have settled since they started
     */
    @RegisterForReflection
    record JobsView(
            boolean redis,
            RedisProblem redisProblem,
            Long depth,
            Long oldestAgeSeconds,
            Long inFlight,
            Long settled,
            long failed,
            long dead,
            List<Worker> workers,
            Reconciliation lastReconciliation) {}

    /** The number of jobs that are retried. */
    @RegisterForReflection
    record Retried(int retried) {}

    @GET
    @PermissionsAllowed(Scopes.JOBS_READ)
    public JobsView get() {
        long dead = failedJobs.count("deadAt is not null");
        long failed = failedJobs.count("deadAt is null");
        RedisProblem problem = probeRedis.find();
        if (problem != RedisProblem.UNAVAILABLE) {
            try {
                List<Worker> list = workers.list();
                return new JobsView(
                        true,
                        problem,
                        queue.depth(),
                        queue.oldestAge().toSeconds(),
                        list.stream().mapToLong(Worker::inFlight).sum(),
                        list.stream()
                                .map(Worker::settled)
                                .filter(Objects::nonNull)
                                .mapToLong(Long::longValue)
                                .sum(),
                        failed,
                        dead,
                        list,
                        workers.lastReconciliation());
            } catch (RuntimeException e) {
                LOG.debug("Redis is unavailable", e);
                problem = problem != null ? problem : RedisProblem.of(e);
            }
        }
        return new JobsView(false, problem, null, null, null, null, failed, dead, null, null);
    }

    @GET
    @Path("/failed")
    @PermissionsAllowed(Scopes.JOBS_READ)
    public Response listFailed(@QueryParam("dead") Boolean dead, @BeanParam Page page, UriInfo uri) {
        List<FailedJobView> rows = failedJobs.list(dead, page.after(), page.rows()).stream()
                .map(FailedJob::view)
                .toList();
        return page.of(rows, FailedJobView::orderId, uri);
    }

    @POST
    @Path("/failed/{order_id}/retry")
    @PermissionsAllowed(Scopes.JOBS_WRITE)
    public Response retry(@PathParam("order_id") long orderId, Bodies.Empty body) {
        return Response.accepted(retryJob.retry(orderId).view()).build();
    }

    @POST
    @Path("/failed/retry")
    @PermissionsAllowed(Scopes.JOBS_WRITE)
    public Response retryAll(Bodies.Empty body) {
        callers.charge(RETRY_ALL_UNITS - 1);
        return Response.accepted(new Retried(retryJob.retryAll())).build();
    }

    @DELETE
    @Path("/failed/{order_id}")
    @PermissionsAllowed(Scopes.JOBS_WRITE)
    public void drop(@PathParam("order_id") long orderId, @HeaderParam(Actor.HEADER) List<String> actor) {
        dropJob.drop(orderId, callers.current().actor(actor));
    }
}
