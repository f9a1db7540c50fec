import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A function whose requests can wait for each other. */
public class Meeting implements RequestHandler<Map<String, String>, Map<String, Object>> {
    private final Map<String, CountDownLatch> met = new ConcurrentHashMap<>();

    @Override
    public Map<String, Object> handleRequest(Map<String, String> event, Context context) {
        String name = event.get("name");
        latch(name).countDown();
        if (event.containsKey("for") && !await(latch(event.get("for")))) {
            throw new IllegalStateException(event.get("for") + " did not come");
        }
        return Map.of(
                "name", name,
                "request", context.getAwsRequestId(),
                "pid", ProcessHandle.current().pid(),
                "most", String.valueOf(System.getenv("AWS_LAMBDA_MAX_CONCURRENCY")));
    }

    private CountDownLatch latch(String name) {
        return met.computeIfAbsent(name, unused -> new CountDownLatch(1));
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
